#include "plugin/session/runtime_differences.h"

#include <algorithm>

#include "graph/known_shape.h"
#include "ops/core/registry.h"
#include "plugin/engine/plan/specialize.h"

namespace strop {
namespace {

bool MayDiffer(const Node& node) { return FactsOf(node).runtime_difference != nullptr; }

// The graph with every shape and what follows from them, where the inputs' are known.
Graph WithKnownShapes(const Graph& graph) {
  std::vector<Shape> shapes;
  for (const ValueId input : graph.inputs) {
    if (!IsShapeKnown(graph.type(input))) return graph;
    shapes.push_back(*graph.type(input).shape);
  }
  return Specialize(graph, shapes).value_or(graph);
}

}  // namespace

std::vector<std::string> RuntimeDifferences(const Graph& graph) {
  std::vector<std::string> differences;
  if (std::none_of(graph.nodes.begin(), graph.nodes.end(), MayDiffer)) return differences;
  const Graph known = WithKnownShapes(graph);
  for (const Node& node : known.nodes) {
    if (!MayDiffer(node)) continue;
    std::string difference = FactsOf(node).runtime_difference(known, node);
    if (!difference.empty()) differences.push_back(std::move(difference));
  }
  return differences;
}

}  // namespace strop
