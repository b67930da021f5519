// What a definition says of its operator is whole: whoever asks for a fact by the field finds it
// wherever the operator is of the kind that has it.

#include "ops/core/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

namespace strop {
namespace {

template <typename Body>
void ForEachDefinition(const Body& body) {
  for (const OpFamily* family : OpFamilies()) {
    for (const OpDefinition& op : family->definitions) {
      SCOPED_TRACE(std::string(op.domain) + "::" + std::string(op.name));
      body(op);
    }
  }
}

bool HasRole(const OpDefinition& op, std::string_view noun) {
  return std::any_of(op.roles.begin(), op.roles.end(),
                     [&](const InputRole& role) { return role.noun == noun; });
}

TEST(Registry, NamesAreUnique) {
  std::set<std::string_view> families;
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const OpFamily* family : OpFamilies()) {
    EXPECT_TRUE(families.insert(family->name).second) << family->name;
    EXPECT_FALSE(family->definitions.empty()) << family->name;
  }
  ForEachDefinition([&](const OpDefinition& op) {
    EXPECT_TRUE(names.emplace(op.domain, op.name).second);
    EXPECT_EQ(FindOp(op.domain, op.name), &op);
  });
}

// A family's file says that it is one by including the header that registers it. Whatever lies in
// ops/ itself is one; a folder there has at least one, but for core/ and kernels/.
TEST(Registry, EveryFamilyFileIsRegistered) {
  namespace fs = std::filesystem;
  const fs::path ops = STROP_OPS;
  std::set<std::string> files;
  std::map<std::string, bool> has_family;  // by what lies in ops/: files, and folders with sources
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(ops)) {
    const std::string room = entry.path().lexically_relative(ops).begin()->string();
    if (entry.path().extension() != ".cc" || room == "core" || room == "kernels") continue;
    std::ifstream file(entry.path());
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const bool registers = text.find("#include \"ops/core/family.h\"") != std::string::npos;
    if (registers) files.insert(entry.path().stem().string());
    has_family[room] |= registers;
  }
  std::set<std::string> registered;
  for (const OpFamily* family : OpFamilies()) registered.emplace(family->name);
  EXPECT_EQ(files, registered);
  for (const auto& [room, has_one] : has_family) {
    EXPECT_TRUE(has_one) << "no family in ops/" << room;
  }
}

TEST(Registry, WhatDiffersHasARule) {
  ForEachDefinition([](const OpDefinition& op) {
    const bool has_gradient = std::count(op.differentiability.begin(), op.differentiability.end(),
                                         Differentiability::kDifferentiable) > 0;
    EXPECT_EQ(op.gradient != nullptr, has_gradient);
    EXPECT_FALSE(op.kernels.empty());
  });
}

TEST(Registry, InputsThatAreNamedExist) {
  ForEachDefinition([](const OpDefinition& op) {
    const auto inputs = static_cast<size_t>(op.maximum_inputs);
    std::set<size_t> seen;
    for (const InputRole& role : op.roles) {
      EXPECT_LT(role.input, inputs);
      EXPECT_FALSE(role.noun.empty());
      EXPECT_TRUE(seen.insert(role.input).second) << "two roles of input " << role.input;
    }
    for (const auto& [input, output] : op.in_place) {
      EXPECT_LT(input, op.maximum_inputs);
      EXPECT_LT(output, op.maximum_outputs);
    }
  });
}

// A layer's parts: what inspects it, measures it and counts its work.
TEST(Registry, LayersAreWhole) {
  int linear = 0;
  int recurrent = 0;
  ForEachDefinition([&](const OpDefinition& op) {
    const bool is_recurrent = HasRole(op, "recurrence weight");
    EXPECT_EQ(op.time_axis != nullptr, is_recurrent);
    if (HasRole(op, "weight") || HasRole(op, "scale") || HasRole(op, "slope")) {
      EXPECT_TRUE(op.is_layer());
      EXPECT_TRUE(op.watch.has_value());
    }
    if (op.linear_layer != nullptr) {
      ASSERT_NE(op.role_of(kLinearWeight), nullptr);
      EXPECT_EQ(op.role_of(kLinearWeight)->noun, "weight");
      EXPECT_NE(op.output_units, UnitAxis::kUnsaid);
    }
    if (op.linear_layer != nullptr || is_recurrent) {
      EXPECT_NE(op.operations, nullptr);
      EXPECT_NE(op.unit_axes, nullptr);
    }
    linear += op.linear_layer != nullptr;
    recurrent += is_recurrent;
  });
  EXPECT_GE(linear, 3);  // Conv, Gemm, MatMul
  EXPECT_GE(recurrent, 3);
}

// Running statistics are a scale's and a bias's neighbours, and only batches move them.
TEST(Registry, StatisticsBelongToBatches) {
  ForEachDefinition([](const OpDefinition& op) {
    const auto statistics =
        std::count_if(op.roles.begin(), op.roles.end(),
                      [](const InputRole& role) { return role.use == ConstantUse::kStatistics; });
    const bool moves = op.training_behavior == TrainingBehavior::kBatchStatistics;
    EXPECT_EQ(statistics, moves ? 2 : 0);
    EXPECT_TRUE(op.training_behavior != TrainingBehavior::kDropsElements || op.is_random);
  });
}

TEST(Registry, WhatMovesElementsIsNoLayer) {
  ForEachDefinition([](const OpDefinition& op) {
    EXPECT_TRUE(!op.is_view || op.element_move == ElementMove::kReordered);
    if (op.element_move != ElementMove::kNone || op.is_cast || op.is_clamp) {
      EXPECT_FALSE(op.is_layer());
    }
    if (op.watch && op.watch->can_saturate()) {
      EXPECT_LT(op.watch->saturated_below, op.watch->saturated_above);
    }
  });
}

}  // namespace
}  // namespace strop
