#include "plugin/training/graph/training_graph.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ops/core/registry.h"
#include "plugin/training/graph/lora.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

const DataShapes kTwoNumbers = {{{2}}, std::nullopt, 4};

int64_t Count(const Graph& graph, const std::string& op_type) {
  return std::count_if(graph.nodes.begin(), graph.nodes.end(),
                       [&](const Node& node) { return node.op_type == op_type; });
}

bool HasRecomputed(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const Node& node) { return node.name.ends_with("/recomputed"); });
}

// The toy with GELU in the place of Tanh, as exporters write it: 0.5·h·(1 + Erf(h/√2)).
ImportedModel GeluClassifier() {
  ImportedModel model = ToyClassifier();
  Graph& graph = model.graph;
  const Node last = graph.nodes.back();
  const ValueId h = graph.nodes[0].outputs[0];
  graph.nodes.resize(1);
  const auto constant = [&](const char* name, float number) {
    return graph.AddConstant(name, Tensor::Scalar(number));
  };
  const auto add = [&](const char* op, std::vector<ValueId> inputs) {
    return AppendNode(graph, {op, "", op, {}, std::move(inputs), {}}, 1).value()[0];
  };
  const ValueId erf = add("Erf", {add("Div", {h, constant("root", 1.41421354f)})});
  const ValueId factor = add("Add", {erf, constant("one", 1)});
  const ValueId y = add("Mul", {add("Mul", {h, factor}), constant("half", 0.5f)});
  graph.nodes.push_back(last);
  graph.nodes.back().inputs[0] = y;
  return model;
}

PlanOptions Without(const std::string& pass) {
  PlanOptions plan;
  plan.verify = true;
  plan.disabled_passes = {pass};
  return plan;
}

TEST(TrainingGraph, DisabledPassesAreSkippedInEveryGraphOfAModel) {
  const ImportedModel model = GeluClassifier();
  const TrainingGraphOptions options;
  const auto counts = [&](const PlanOptions& plan) {
    return std::vector<int64_t>{
        Count(*BuildTrainingForward(model, options, plan), "Gelu"),
        Count(BuildTrainingGraph(model, options, kTwoNumbers, plan)->graph, "Gelu"),
        Count(BuildEvaluationGraph(model, options.loss, kTwoNumbers, plan)->graph, "Gelu"),
        Count(BuildPredictionGraph(model, options.loss, kTwoNumbers, plan)->graph, "Gelu")};
  };
  EXPECT_EQ(counts({}), std::vector<int64_t>({1, 1, 1, 1}));
  EXPECT_EQ(counts(Without("recognize-gelu")), std::vector<int64_t>({0, 0, 0, 0}));
}

TEST(TrainingGraph, RecomputationIsAPass) {
  const ImportedModel model = GeluClassifier();
  TrainingGraphOptions options;
  options.recompute_activations = true;
  EXPECT_TRUE(HasRecomputed(BuildTrainingGraph(model, options, kTwoNumbers, {})->graph));
  const PlanOptions without = Without("recompute-activations");
  EXPECT_FALSE(HasRecomputed(BuildTrainingGraph(model, options, kTwoNumbers, without)->graph));
}

TEST(TrainingGraph, ReportsItsPassesInOrder) {
  std::vector<std::string> names;
  PlanOptions plan;
  plan.on_pass = [&](const PassReport& report) { names.emplace_back(report.name); };
  ImportedModel model = GeluClassifier();
  ASSERT_TRUE(AddLora(model, {.patterns = {"*"}, .rank = 2}, {}, 0, plan).ok());
  TrainingGraphOptions options;
  options.dropout_at = {"Erf"};
  options.recompute_activations = true;
  ASSERT_TRUE(BuildTrainingGraph(model, options, kTwoNumbers, plan).ok());
  EXPECT_EQ(names, std::vector<std::string>({"add-lora", "insert-dropout", "fold-weight-transposes",
                                             "recognize-gelu", "recompute-activations"}));
}

// What the user asked for is no pass that may be missing.
TEST(TrainingGraph, SurgeryIsNotSkipped) {
  ImportedModel model = GeluClassifier();
  ASSERT_TRUE(AddLora(model, {.patterns = {"*"}, .rank = 2}, {}, 0, Without("add-lora")).ok());
  EXPECT_EQ(Count(model.graph, "Gemm"), 6);
}

}  // namespace
}  // namespace strop
