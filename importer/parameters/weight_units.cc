#include "importer/parameters/weight_units.h"

namespace strop {
namespace {

Shape GemmAxes(const Node& node, size_t input) {
  const bool is_transposed = node.attributes.Int(input == 0 ? "transA" : "transB", 0) != 0;
  return {(input == 0) != is_transposed ? 0 : 1};
}

// All axes but the one that is summed over.
Shape MatMulAxes(size_t input, size_t rank) {
  const size_t summed = input == 0 || rank < 2 ? rank - 1 : rank - 2;
  Shape axes;
  for (size_t axis = 0; axis < rank; ++axis) {
    if (axis != summed) axes.push_back(static_cast<int64_t>(axis));
  }
  return axes;
}

// Empty for an input that makes no units.
Shape AxesAt(const Node& node, size_t input, size_t rank) {
  if (!node.domain.empty()) return {};
  const std::string& op = node.op_type;
  if (op == "Gemm" && input < 2) return GemmAxes(node, input);
  if (op == "MatMul") return MatMulAxes(input, rank);
  if (op == "Conv" && input == 1) return {0};
  if (op == "ConvTranspose" && input == 1) return {1};
  const bool is_recurrent = op == "LSTM" || op == "GRU" || op == "RNN";
  if (is_recurrent && (input == 1 || input == 2)) return {0, 1};
  return {};
}

}  // namespace

Shape UnitAxes(const Graph& graph, ValueId weight) {
  const size_t rank = graph.type(weight).shape->size();
  for (const Node& node : graph.nodes) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != weight) continue;
      Shape axes = AxesAt(node, i, rank);
      if (!axes.empty()) return axes;
    }
  }
  return {0};
}

}  // namespace strop
