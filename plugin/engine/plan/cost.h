#pragma once

#include "graph/graph.h"

namespace strop {

// What one execution of a node costs at least.
struct NodeCost {
  double operations = 0;  // additions and multiplications of its matrix products
  double bytes = 0;       // each operand read or written once
};

// The cost of a node of a specialised graph, where every shape is known. Operators other than
// matrix products, convolutions and recurrent cells count as bytes alone.
NodeCost CostOf(const Graph& graph, const Node& node);

}  // namespace strop
