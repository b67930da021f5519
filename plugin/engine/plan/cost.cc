#include "plugin/engine/plan/cost.h"

#include "ops/core/operation_count.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

double BytesOf(const Graph& graph, const std::vector<ValueId>& operands, size_t index) {
  const auto count = static_cast<int64_t>(Elements(graph, operands, index));
  if (count == 0) return 0;
  return static_cast<double>(BytesFor(graph.type(operands[index]).element_type, count));
}

}  // namespace

NodeCost CostOf(const Graph& graph, const Node& node) {
  NodeCost cost;
  const OpDefinition& op = FactsOf(node);
  if (op.is_view) return cost;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (op.use_of(i) == InputUse::kElements) cost.bytes += BytesOf(graph, node.inputs, i);
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) cost.bytes += BytesOf(graph, node.outputs, i);
  if (op.operations != nullptr) cost.operations = op.operations(graph, node);
  return cost;
}

}  // namespace strop
