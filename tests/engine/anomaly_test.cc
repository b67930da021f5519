// What --detect-anomaly sees: the first number that went bad, by node, input or state.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/core/registry.h"
#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

ValueId Append(Graph& graph, const std::string& op, std::vector<ValueId> inputs,
               Attributes attributes = {}) {
  return (
      *AppendNode(graph, Node{"my_" + op, "", op, std::move(attributes), std::move(inputs)}, 1))[0];
}

Tensor Floats(const std::vector<float>& numbers) {
  return Tensor::FromVector<float>({static_cast<int64_t>(numbers.size())}, numbers);
}

absl::Status Watch(Graph graph, std::vector<Tensor> inputs,
                   std::shared_ptr<StateStore> store = std::make_shared<StateStore>()) {
  PlanOptions options;
  options.verify = true;
  options.detect_anomaly = true;
  auto session = Session::Create(std::move(graph), std::move(store), options);
  EXPECT_TRUE(session.ok()) << session.status();
  return (*session)->Run(inputs).status();
}

bool Says(const absl::Status& status, const std::string& words) {
  return status.message().find(words) != absl::string_view::npos;
}

// y = √(exp(x) - 1)
Graph RootOfExponential() {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{2}});
  const ValueId one = graph.AddConstant("one", Tensor::Scalar<float>(1));
  graph.outputs = {Append(graph, "Sqrt", {Append(graph, "Sub", {Append(graph, "Exp", {x}), one})})};
  return graph;
}

TEST(Anomaly, NamesTheNodeThatOverflows) {
  Graph graph = RootOfExponential();
  graph.outputs = {Append(graph, "ReduceSum", {graph.outputs[0]}, {{"keepdims", int64_t{0}}})};
  EXPECT_TRUE(Watch(graph, {Floats({1, 2})}).ok());
  const absl::Status status = Watch(graph, {Floats({1, 200})});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(status, "forward node Exp my_Exp makes infinity")) << status;
}

TEST(Anomaly, NamesTheNodeThatMakesNan) {
  const absl::Status status = Watch(RootOfExponential(), {Floats({1, -1})});
  EXPECT_TRUE(Says(status, "Sqrt my_Sqrt makes NaN")) << status;
}

TEST(Anomaly, NamesAnInputThatWasBad) {
  const absl::Status status = Watch(RootOfExponential(), {Floats({1, std::nanf("")})});
  EXPECT_TRUE(Says(status, "NaN in input \"x\"")) << status;
}

TEST(Anomaly, LetsAMaskBeInfinite) {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{2}});
  const ValueId mask =
      graph.AddConstant("mask", Floats({0, -std::numeric_limits<float>::infinity()}));
  graph.outputs = {
      Append(graph, "Softmax", {Append(graph, "Add", {x, mask})}, {{"axis", int64_t{-1}}})};
  const absl::Status status = Watch(graph, {Floats({1, 2})});
  EXPECT_TRUE(status.ok()) << status;
}

TEST(Anomaly, NamesAWeightThatWasBad) {
  Graph graph;
  const ValueId weight = graph.AddState("weight", Floats({1, 2}));
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{2}});
  const ValueId sum = Append(graph, "Add", {weight, x});
  graph.state_updates.push_back({weight, sum});
  graph.outputs = {sum};
  const auto store = std::make_shared<StateStore>();
  EXPECT_TRUE(Watch(graph, {Floats({1, 2})}, store).ok());
  ASSERT_TRUE(store->Write("weight", Floats({1, std::numeric_limits<float>::infinity()})).ok());
  const absl::Status status = Watch(graph, {Floats({1, 2})}, store);
  EXPECT_TRUE(Says(status, "infinity in tensor \"weight\"")) << status;
}

}  // namespace
}  // namespace strop
