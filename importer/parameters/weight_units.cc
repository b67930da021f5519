#include "importer/parameters/weight_units.h"

#include "ops/core/registry.h"

namespace strop {

Shape UnitAxes(const Graph& graph, ValueId weight) {
  const size_t rank = graph.type(weight).shape->size();
  for (const Node& node : graph.nodes) {
    const OpDefinition& op = FactsOf(node);
    if (op.unit_axes == nullptr) continue;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != weight) continue;
      Shape axes = op.unit_axes(node, i, rank);
      if (!axes.empty()) return axes;
    }
  }
  return {0};
}

}  // namespace strop
