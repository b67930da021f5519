// What a pass leaves out must not be missed: with every pass off the network learns the same.

#include "plugin/engine/passes/passes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "ops/core/registry.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/runtime/session.h"
#include "tests/engine/small_network.h"

namespace strop {
namespace {

std::vector<float> Losses(const PlanOptions& options) {
  absl::StatusOr<std::unique_ptr<Session>> session =
      Session::Create(SmallTrainingGraph(), std::make_shared<StateStore>(), options);
  EXPECT_TRUE(session.ok()) << session.status();
  std::vector<float> losses;
  for (uint64_t step = 0; session.ok() && step < 4; ++step) {
    const std::vector<Tensor> inputs = {RandomTensor({3, 3, 12, 12}, step)};
    absl::StatusOr<absl::Span<const Tensor>> outputs = (*session)->Run(inputs);
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    if (outputs.ok()) losses.push_back((*outputs)[0].elements<float>()[0]);
  }
  return losses;
}

TEST(Passes, EachOneOffGivesTheSameLosses) {
  PlanOptions options;
  options.verify = true;
  const std::vector<float> expected = Losses(options);
  ASSERT_EQ(expected.size(), 4u);
  for (const Pass& pass : OptimizingPasses()) {
    PlanOptions without = options;
    without.disabled_passes = {std::string(pass.name)};
    const std::vector<float> found = Losses(without);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i], expected[i], 1e-4 * std::abs(expected[i])) << pass.name;
    }
  }
}

// x/√2 → Erf → + 1 → · x → · ½, the constants as a file has them.
Graph GeluInFiveOperators(bool halve_first) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, std::nullopt});
  const ValueId root = graph.AddConstant("root", Tensor::Scalar(1.41421354f));
  const ValueId one = graph.AddConstant("one", Tensor::Scalar(1.0f));
  const ValueId half = graph.AddConstant("half", Tensor::Scalar(0.5f));
  const auto add = [&](const char* op, std::vector<ValueId> inputs) {
    return AppendNode(graph, {op, "", op, {}, std::move(inputs), {}}, 1).value()[0];
  };
  const ValueId term = add("Add", {add("Erf", {add("Div", {x, root})}), one});
  graph.outputs = {halve_first ? add("Mul", {add("Mul", {half, x}), term})
                               : add("Mul", {add("Mul", {x, term}), half})};
  return graph;
}

TEST(Passes, GeluIsRecognizedAndGivesTheSameNumbers) {
  for (const bool halve_first : {false, true}) {
    const Graph original = GeluInFiveOperators(halve_first);
    Graph simplified = original;
    ASSERT_TRUE(Simplify(simplified, PlanOptions()).ok());
    ASSERT_EQ(simplified.nodes.size(), 1u);
    EXPECT_EQ(simplified.nodes[0].op_type, "Gelu");
    const std::vector<Tensor> inputs = {RandomTensor({64}, 3)};
    auto plain = Session::Create(original, std::make_shared<StateStore>()).value();
    auto fused = Session::Create(simplified, std::make_shared<StateStore>()).value();
    const Tensor expected = plain->Run(inputs).value()[0];
    const Tensor found = fused->Run(inputs).value()[0];
    for (size_t i = 0; i < 64; ++i) {
      EXPECT_NEAR(found.elements<float>()[i], expected.elements<float>()[i], 1e-6);
    }
  }
}

TEST(Passes, ADisabledOneLeavesTheGraphAlone) {
  Graph graph = GeluInFiveOperators(false);
  PlanOptions options;
  options.disabled_passes = {"recognize-gelu"};
  ASSERT_TRUE(Simplify(graph, options).ok());
  EXPECT_EQ(graph.nodes.size(), 5u);
}

TEST(Passes, EveryOneOfTheListsCanBeDisabled) {
  const std::vector<std::string> names = OptionalPassNames();
  const std::set<std::string> distinct(names.begin(), names.end());
  EXPECT_EQ(distinct.size(), names.size());
  for (const absl::Span<const Pass> passes : {SimplifyingPasses(), OptimizingPasses()}) {
    for (const Pass& pass : passes) {
      EXPECT_TRUE(pass.is_optional && distinct.contains(std::string(pass.name))) << pass.name;
    }
  }
}

TEST(Passes, AreReportedWithWhatTheyLeave) {
  Graph graph = GeluInFiveOperators(false);
  std::vector<PassReport> reports;
  PlanOptions options;
  options.on_pass = [&](const PassReport& report) { reports.push_back(report); };
  ASSERT_TRUE(Simplify(graph, options).ok());
  ASSERT_EQ(reports.size(), SimplifyingPasses().size());
  EXPECT_EQ(reports[1].name, "recognize-gelu");
  EXPECT_EQ(reports[1].nodes_before, 5u);
  EXPECT_EQ(reports[1].nodes_after, 1u);
  EXPECT_GT(reports[1].seconds, 0);
}

TEST(Passes, TheVerifierLooksAtWhatOneLeaves) {
  constexpr Pass kBreaking = {.name = "break", .why = "To see whether it is noticed."};
  const auto reverse = [](Graph& graph) {
    std::reverse(graph.nodes.begin(), graph.nodes.end());
    return absl::OkStatus();
  };
  PlanOptions options;
  options.verify = true;
  Graph graph = GeluInFiveOperators(false);
  const absl::Status status = RunPass(kBreaking, graph, options, reverse);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message().find("break: "), 0u) << status;
  options.disabled_passes = {"break"};
  graph = GeluInFiveOperators(false);
  EXPECT_TRUE(RunPass(kBreaking, graph, options, reverse).ok());
  Pass needed = kBreaking;
  needed.is_optional = false;
  EXPECT_FALSE(RunPass(needed, graph, options, reverse).ok());
}

TEST(Passes, AnErfThatIsReadElsewhereStays) {
  Graph graph = GeluInFiveOperators(false);
  graph.outputs.push_back(graph.nodes[1].outputs[0]);
  ASSERT_TRUE(Simplify(graph, PlanOptions()).ok());
  EXPECT_EQ(graph.nodes.size(), 5u);
}

}  // namespace
}  // namespace strop
