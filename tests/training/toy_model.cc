#include "tests/training/toy_model.h"

#include <cmath>
#include <cstring>
#include <random>

#include "ops/core/registry.h"

namespace strop {
namespace {

Tensor RandomTensor(const Shape& shape, double deviation, std::mt19937_64& random) {
  Tensor tensor(DataType::kFloat, shape);
  std::normal_distribution<float> normal(0, static_cast<float>(deviation));
  for (float& element : tensor.mutable_elements<float>()) element = normal(random);
  return tensor;
}

ValueId Append(Graph& graph, const std::string& op, std::vector<ValueId> inputs) {
  return (*AppendNode(graph, Node{op, "", op, {}, std::move(inputs), {}}, 1))[0];
}

}  // namespace

ToyData::ToyData(Tensor x, Tensor target) : arrays_{std::move(x), std::move(target)} {
  for (const Tensor& array : arrays_) {
    const Shape sample(array.shape().begin() + 1, array.shape().end());
    fields_.push_back({fields_.empty() ? "x" : std::string(kTargetField), array.type(), sample});
  }
}

absl::Status ToyData::Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) {
  for (size_t f = 0; f < arrays_.size(); ++f) {
    const size_t bytes = BytesFor(arrays_[f].type(), ElementCount(fields_[f].shape));
    const auto* from = static_cast<const std::byte*>(arrays_[f].data());
    auto* to = static_cast<std::byte*>(batch[f].mutable_data());
    for (size_t i = 0; i < indices.size(); ++i) {
      std::memcpy(to + i * bytes, from + static_cast<size_t>(indices[i]) * bytes, bytes);
    }
  }
  return absl::OkStatus();
}

std::unique_ptr<ToyData> Moons(int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> angle(0, 3.14159f);
  std::normal_distribution<float> noise(0, 0.05f);
  Tensor x(DataType::kFloat, {count, 2});
  Tensor labels(DataType::kInt64, {count});
  for (int64_t i = 0; i < count; ++i) {
    const float t = angle(random);
    const bool is_lower = i % 2 == 1;
    float* point = x.mutable_elements<float>().data() + 2 * i;
    point[0] = (is_lower ? 1 - std::cos(t) : std::cos(t)) + noise(random);
    point[1] = (is_lower ? 0.5f - std::sin(t) : std::sin(t)) + noise(random);
    labels.mutable_elements<int64_t>()[static_cast<size_t>(i)] = is_lower ? 1 : 0;
  }
  return std::make_unique<ToyData>(x, labels);
}

ImportedModel ToyClassifier(bool ends_in_softmax) {
  ImportedModel model;
  Graph& graph = model.graph;
  std::mt19937_64 random(5);
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{kUnknownDimension, 2}});
  const ValueId w1 = graph.AddState("w1", RandomTensor({2, 16}, 1, random));
  const ValueId b1 = graph.AddState("b1", RandomTensor({16}, 0.5, random));
  const ValueId w2 = graph.AddState("w2", RandomTensor({16, 2}, 0.5, random));
  const ValueId b2 = graph.AddState("b2", RandomTensor({2}, 0.1, random));
  ValueId y = Append(graph, "Gemm", {x, w1, b1});
  y = Append(graph, "Tanh", {y});
  y = Append(graph, "Gemm", {y, w2, b2});
  graph.value(y).type.shape = Shape{kUnknownDimension, 2};
  if (ends_in_softmax) {
    y = Append(graph, "Softmax", {y});
    y = Append(graph, "Identity", {y});
    graph.value(y).type.shape = Shape{kUnknownDimension, 2};
  }
  graph.value(y).name = "y";
  graph.outputs = {y};
  for (const ValueId id : {w1, b1, w2, b2}) {
    Parameter parameter;
    parameter.name = graph.value(id).name;
    parameter.value = id;
    model.parameters.push_back(parameter);
  }
  return model;
}

}  // namespace strop
