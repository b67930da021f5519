#include "plugin/training/graph/dropout_insertion.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ops/core/registry.h"
#include "plugin/training/graph/training_graph.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

std::vector<std::string> OpsOf(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes) ops.push_back(node.op_type);
  return ops;
}

TEST(DropoutInsertion, StandsBehindWhatMatches) {
  Graph graph = ToyClassifier().graph;
  ASSERT_TRUE(InsertDropout(graph, {"Tanh*"}).ok());
  EXPECT_EQ(OpsOf(graph), std::vector<std::string>({"Gemm", "Tanh", "Dropout", "Gemm"}));
  EXPECT_EQ(graph.nodes[2].inputs[0], graph.nodes[1].outputs[0]);
  EXPECT_EQ(graph.nodes[3].inputs[0], graph.nodes[2].outputs[0]);
  EXPECT_TRUE(VerifyGraph(graph).ok());
}

TEST(DropoutInsertion, LeavesTheModelsOutputAlone) {
  Graph graph = ToyClassifier().graph;
  ASSERT_TRUE(InsertDropout(graph, {"Gemm", "*"}).ok());
  EXPECT_EQ(OpsOf(graph), std::vector<std::string>({"Gemm", "Dropout", "Tanh", "Dropout", "Gemm"}));
}

TEST(DropoutInsertion, RefusesAPatternThatMatchesNoActivation) {
  Graph graph = ToyClassifier().graph;
  EXPECT_EQ(InsertDropout(graph, {"Tanh", "Relu*"}).code(), absl::StatusCode::kInvalidArgument);
  Graph again = ToyClassifier().graph;
  EXPECT_EQ(InsertDropout(again, {"w1"}).code(), absl::StatusCode::kInvalidArgument);
}

TEST(DropoutInsertion, IsInTheTrainingGraphOnly) {
  TrainingGraphOptions options;
  options.dropout = DropoutMode::kOn;
  options.dropout_rate = 0.25;
  options.dropout_at = {"Tanh"};
  const auto count = [](const Graph& graph, const std::string& op) {
    const std::vector<std::string> ops = OpsOf(graph);
    return std::count(ops.begin(), ops.end(), op);
  };
  const ImportedModel model = ToyClassifier();
  const DataShapes data = {{{2}}, std::nullopt, 4};
  const Graph training = BuildTrainingGraph(model, options, data, {})->graph;
  EXPECT_EQ(count(training, "Dropout"), 1);
  EXPECT_EQ(count(training, "DropoutGradient"), 1);
  options.dropout = DropoutMode::kOff;  // what rests is not computed
  EXPECT_EQ(count(BuildTrainingGraph(model, options, data, {})->graph, "Dropout"), 0);
  EXPECT_EQ(count(BuildEvaluationGraph(model, options.loss, data, {})->graph, "Dropout"), 0);
}

}  // namespace
}  // namespace strop
