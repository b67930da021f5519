// Shape rules of what a model may contain get whatever ranks it and its data have: each answers
// with shapes or with an error, and none reads an axis that is not there.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ops/core/registry.h"

namespace strop {
namespace {

constexpr int kMostInputs = 8;
constexpr int kMostOutputs = 8;

// Shapes of rank 0 to 5.
Shape OfRank(size_t rank) { return Shape(rank, 2); }

// Asks the rule for inputs of these ranks; integers that it needs to know are `known`.
void Ask(const OpDefinition& op, const Attributes& attributes, const std::vector<size_t>& ranks,
         const Tensor* known) {
  Node node{"node", std::string(op.domain), std::string(op.name), attributes, {}, {}};
  node.inputs.assign(ranks.size(), 0);
  node.outputs.assign(static_cast<size_t>(std::min(op.maximum_outputs, kMostOutputs)), 0);
  if (op.check_attributes != nullptr && !op.check_attributes(node).ok()) return;
  std::vector<Shape> shapes;
  for (const size_t rank : ranks) shapes.push_back(OfRank(rank));
  std::vector<ShapeContext::Input> inputs;
  for (size_t i = 0; i < ranks.size(); ++i) {
    const bool is_known = i > 0 && known != nullptr && known->shape() == shapes[i];
    inputs.push_back({&shapes[i], is_known ? known : nullptr});
  }
  ShapeContext context(node, std::move(inputs));
  const absl::Status status = op.shapes(context);
  EXPECT_NE(status.code(), absl::StatusCode::kInternal) << op.name << ": " << status;
  EXPECT_TRUE(status.ok() || !status.message().empty()) << op.name;
}

TEST(ShapeRules, AnswerEveryRank) {
  const Tensor one = Tensor::FromVector<int64_t>({}, {1});
  const Tensor two = Tensor::FromVector<int64_t>({2}, {1, 1});
  const std::vector<Attributes> settings = {
      {}, {{"axis", int64_t{1}}}, {{"axis", int64_t{-2}}}, {{"axis", int64_t{0}}}};
  for (const OpFamily* family : OpFamilies()) {
    for (const OpDefinition& op : family->definitions) {
      if (op.domain == kStropDomain) continue;  // never read from a file
      SCOPED_TRACE(std::string(op.name));
      const int most = std::min(op.maximum_inputs, std::max(op.minimum_inputs, kMostInputs));
      for (int count = op.minimum_inputs; count <= most; ++count) {
        for (const Attributes& attributes : settings) {
          for (const Tensor* known : {static_cast<const Tensor*>(nullptr), &one, &two}) {
            for (size_t rank = 0; rank <= 5; ++rank) {
              std::vector<size_t> ranks(static_cast<size_t>(count), rank);
              Ask(op, attributes, ranks, known);
              for (size_t other = 0; other <= 4; ++other) {
                for (size_t odd = 0; odd < ranks.size(); ++odd) {
                  ranks[odd] = other;
                  Ask(op, attributes, ranks, known);
                  ranks[odd] = rank;
                }
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace strop
