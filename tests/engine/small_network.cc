#include "tests/engine/small_network.h"

#include <gtest/gtest.h>

#include <random>

#include "ops/core/registry.h"
#include "plugin/engine/differentiate/differentiate.h"

namespace strop {
namespace {

ValueId Append(Graph& graph, Node node) {
  absl::StatusOr<std::vector<ValueId>> outputs = AppendNode(graph, std::move(node), 1);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  return outputs.ok() ? (*outputs)[0] : kNoValue;
}

}  // namespace

Tensor RandomTensor(Shape shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  Tensor tensor(DataType::kFloat, std::move(shape));
  for (float& element : tensor.mutable_elements<float>()) element = uniform(random);
  return tensor;
}

// Conv → BatchNormalization (training) → Relu → MaxPool → Conv → GlobalAveragePool → Flatten →
// Gemm, the sum of whose outputs falls by gradient descent on every weight.
Graph SmallTrainingGraph() {
  Graph graph;
  graph.name = "step";
  const ValueId x = graph.AddInput("x", {DataType::kFloat, std::nullopt});
  std::vector<ValueId> weights;
  const auto state = [&](const char* name, Shape shape) {
    weights.push_back(graph.AddState(name, RandomTensor(std::move(shape), weights.size())));
    return weights.back();
  };
  const Attributes same{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  ValueId y = Append(graph, {"conv1", "", "Conv", same, {x, state("w1", {16, 3, 3, 3})}, {}});
  const ValueId scale = state("scale", {16});
  const ValueId bias = state("bias", {16});
  const ValueId mean = graph.AddConstant("mean", Tensor(DataType::kFloat, {16}));
  const ValueId variance = graph.AddConstant("variance", Tensor(DataType::kFloat, {16}));
  y = Append(graph, {"norm",
                     "",
                     "BatchNormalization",
                     {{"training_mode", int64_t{1}}},
                     {y, scale, bias, mean, variance},
                     {}});
  y = Append(graph, {"relu", "", "Relu", {}, {y}, {}});
  y = Append(graph, {"pool",
                     "",
                     "MaxPool",
                     {{"kernel_shape", std::vector<int64_t>{2, 2}},
                      {"strides", std::vector<int64_t>{2, 2}}},
                     {y},
                     {}});
  y = Append(graph, {"conv2", "", "Conv", same, {y, state("w2", {32, 16, 3, 3})}, {}});
  y = Append(graph, {"average", "", "GlobalAveragePool", {}, {y}, {}});
  y = Append(graph, {"flatten", "", "Flatten", {}, {y}, {}});
  y = Append(graph, {"classifier",
                     "",
                     "Gemm",
                     {{"transB", int64_t{1}}},
                     {y, state("w3", {10, 32}), state("b3", {10})},
                     {}});
  const ValueId loss =
      Append(graph, {"loss", "", "ReduceSum", {{"keepdims", int64_t{0}}}, {y}, {}});
  absl::StatusOr<std::vector<ValueId>> gradients =
      Differentiate(graph, {OutputCotangent{loss, kNoValue}}, weights);
  EXPECT_TRUE(gradients.ok()) << gradients.status();
  const ValueId rate = graph.AddConstant("rate", Tensor::Scalar(0.01f));
  for (size_t i = 0; gradients.ok() && i < weights.size(); ++i) {
    const ValueId move = Append(graph, {"move", "", "Mul", {}, {(*gradients)[i], rate}, {}});
    graph.state_updates.push_back(
        {weights[i], Append(graph, {"update", "", "Sub", {}, {weights[i], move}, {}})});
  }
  graph.outputs = {loss};
  return graph;
}

}  // namespace strop
