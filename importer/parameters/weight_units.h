#pragma once

#include "graph/graph.h"
#include "graph/graph_index.h"

namespace strop {

// The axes of a weight that number the units it makes, by the first node that reads it: {0} for the
// filters of a Conv, {1} for the neurons of a MatMul by a matrix [inputs, neurons], {0, 1} for the
// rows of a recurrent operator's matrices. {0} where no such node reads it. `weight` has a shape
// of rank 1 at least.
Shape UnitAxes(const Graph& graph, const GraphIndex& index, ValueId weight);

}  // namespace strop
