#include "importer/parameters/weight_units.h"

#include "ops/core/registry.h"

namespace strop {

Shape UnitAxes(const Graph& graph, const GraphIndex& index, ValueId weight) {
  const size_t rank = graph.type(weight).shape->size();
  for (const GraphIndex::Reader& reader : index.readers(weight)) {
    const Node& node = graph.nodes[reader.node];
    const OpDefinition& op = FactsOf(node);
    if (op.unit_axes == nullptr) continue;
    Shape axes = op.unit_axes(node, reader.input, rank);
    if (!axes.empty()) return axes;
  }
  return {0};
}

}  // namespace strop
