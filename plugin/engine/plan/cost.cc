#include "plugin/engine/plan/cost.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "ops/core/registry.h"

namespace strop {
namespace {

// Elements of the node's input or output; 0 where it is absent.
double Elements(const Graph& graph, const std::vector<ValueId>& operands, size_t index) {
  if (index >= operands.size() || operands[index] == kNoValue) return 0;
  const std::optional<Shape>& shape = graph.type(operands[index]).shape;
  return shape ? static_cast<double>(ElementCount(*shape)) : 0;
}

double Dimension(const Graph& graph, ValueId value, size_t axis_from_end) {
  const std::optional<Shape>& shape = graph.type(value).shape;
  if (!shape || shape->size() < axis_from_end) return 1;
  return static_cast<double>((*shape)[shape->size() - axis_from_end]);
}

double First(const Graph& graph, ValueId value) {
  const std::optional<Shape>& shape = graph.type(value).shape;
  return shape && !shape->empty() ? static_cast<double>(shape->front()) : 1;
}

// Y[…,M,N] = A[…,M,K]·B[…,K,N] or A·Bᵀ: 2·M·N·K a product, whichever of the three is computed.
double MatMulOperations(const Graph& graph, const Node& node) {
  return 2 * Elements(graph, node.outputs, 0) * Dimension(graph, node.inputs[0], 1);
}
double LeftGradientOperations(const Graph& graph, const Node& node) {  // (dY, B, A)
  return 2 * Elements(graph, node.inputs, 0) * Dimension(graph, node.inputs[2], 1);
}
double RightGradientOperations(const Graph& graph, const Node& node) {  // (A, dY, B)
  return 2 * Elements(graph, node.inputs, 1) * Dimension(graph, node.inputs[0], 1);
}
double GemmOperations(const Graph& graph, const Node& node) {
  const bool is_transposed = node.attributes.Int("transA", 0) != 0;
  return 2 * Elements(graph, node.outputs, 0) *
         Dimension(graph, node.inputs[0], is_transposed ? 2 : 1);
}

// Every element of the convolution's larger side meets a filter: Y[N,O,…] of W[O,C/g,…], and for
// ConvTranspose X[N,C,…] of W[C,O/g,…]; 2 · elements · (elements of W / its first dimension).
double FilterOperations(const Graph& graph, double elements, const Node& node, size_t weights) {
  const ValueId w = node.inputs[weights];
  return 2 * elements * Elements(graph, node.inputs, weights) / std::max(First(graph, w), 1.0);
}
double ConvOperations(const Graph& graph, const Node& node) {
  return FilterOperations(graph, Elements(graph, node.outputs, 0), node, 1);
}
double ConvInputGradientOperations(const Graph& graph, const Node& node) {  // (dY, W, X)
  return FilterOperations(graph, Elements(graph, node.inputs, 0), node, 1);
}
double ConvWeightGradientOperations(const Graph& graph, const Node& node) {  // (X, dY, W)
  return FilterOperations(graph, Elements(graph, node.inputs, 1), node, 2);
}
double ConvTransposeOperations(const Graph& graph, const Node& node) {  // (X, W)
  return FilterOperations(graph, Elements(graph, node.inputs, 0), node, 1);
}
double ConvTransposeInputGradientOperations(const Graph& graph, const Node& node) {  // (dY, W, X)
  return FilterOperations(graph, Elements(graph, node.inputs, 2), node, 1);
}
double ConvTransposeWeightGradientOperations(const Graph& graph, const Node& node) {  // (X, dY, W)
  return FilterOperations(graph, Elements(graph, node.inputs, 0), node, 2);
}

// X[T,N,I] through W[D,·,I] and R[D,·,H]: two products a time step and direction.
double RecurrentOperations(const Graph& graph, const Node& node) {
  const double steps_and_samples =
      Elements(graph, node.inputs, 0) / std::max(Dimension(graph, node.inputs[0], 1), 1.0);
  return 2 * steps_and_samples *
         (Elements(graph, node.inputs, 1) + Elements(graph, node.inputs, 2));
}

struct OperationCount {
  std::string_view domain;
  std::string_view op_type;
  size_t inputs;  // that it needs
  double (*operations)(const Graph& graph, const Node& node);
};

constexpr OperationCount kCounts[] = {
    {"", "MatMul", 2, MatMulOperations},
    {kStropDomain, "MatMulTransposed", 2, MatMulOperations},
    {"", "Gemm", 2, GemmOperations},
    {"", "Conv", 2, ConvOperations},
    {"", "ConvTranspose", 2, ConvTransposeOperations},
    {"", "LSTM", 3, RecurrentOperations},
    {"", "GRU", 3, RecurrentOperations},
    {"", "RNN", 3, RecurrentOperations},
    {kStropDomain, "MatMulLeftGradient", 3, LeftGradientOperations},
    {kStropDomain, "MatMulRightGradient", 3, RightGradientOperations},
    {kStropDomain, "ConvInputGradient", 3, ConvInputGradientOperations},
    {kStropDomain, "ConvWeightGradient", 3, ConvWeightGradientOperations},
    {kStropDomain, "ConvTransposeInputGradient", 3, ConvTransposeInputGradientOperations},
    {kStropDomain, "ConvTransposeWeightGradient", 3, ConvTransposeWeightGradientOperations},
};

double BytesOf(const Graph& graph, const std::vector<ValueId>& operands, size_t index) {
  const auto count = static_cast<int64_t>(Elements(graph, operands, index));
  if (count == 0) return 0;
  return static_cast<double>(BytesFor(graph.type(operands[index]).element_type, count));
}

}  // namespace

NodeCost CostOf(const Graph& graph, const Node& node) {
  NodeCost cost;
  const OpDefinition* op = FindOp(node.domain, node.op_type);
  if (op != nullptr && op->is_view) return cost;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const bool is_read = op == nullptr || op->use_of(i) == InputUse::kElements;
    if (is_read) cost.bytes += BytesOf(graph, node.inputs, i);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) cost.bytes += BytesOf(graph, node.outputs, i);
  const auto count =
      std::find_if(std::begin(kCounts), std::end(kCounts), [&](const OperationCount& candidate) {
        return candidate.domain == node.domain && candidate.op_type == node.op_type;
      });
  if (count != std::end(kCounts) && node.inputs.size() >= count->inputs) {
    cost.operations = count->operations(graph, node);
  }
  return cost;
}

}  // namespace strop
