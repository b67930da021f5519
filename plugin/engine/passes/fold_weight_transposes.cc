#include "plugin/engine/passes/fold_weight_transposes.h"

#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// Swaps the axes of a matrix that is known to be one.
bool IsMatrixTranspose(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || node.op_type != "Transpose") return false;
  const std::optional<Shape>& shape = graph.type(node.inputs[0]).shape;
  if (!shape || shape->size() != 2) return false;
  const std::vector<int64_t> permutation = node.attributes.Ints("perm", {1, 0});
  return permutation == std::vector<int64_t>{1, 0};
}

}  // namespace

absl::Status FoldWeightTransposes(Graph& graph) {
  const GraphIndex index(graph);
  for (Node& node : graph.nodes) {
    if (!node.domain.empty() || node.op_type != "MatMul") continue;
    const int producer = index.producer(node.inputs[1]);
    if (producer < 0) continue;
    const Node& transpose = graph.nodes[static_cast<size_t>(producer)];
    if (!IsMatrixTranspose(graph, transpose)) continue;
    node.domain = std::string(kStropDomain);
    node.op_type = "MatMulTransposed";
    node.inputs[1] = transpose.inputs[0];
    STROP_RETURN_IF_ERROR(InferElementTypes(graph, node));
  }
  graph.RemoveDeadNodes();
  return absl::OkStatus();
}

}  // namespace strop
