#pragma once

#include "graph/graph.h"

namespace strop {

// What OpDefinition::operations is made of, on graphs where every shape is known.

// Elements of the operand `index` of a node's inputs or outputs; 0 where it is absent.
double Elements(const Graph& graph, const std::vector<ValueId>& operands, size_t index);

// The dimension of a value that stands `axis_from_end` ≥ 1 from the end; 1 where there is none.
double DimensionFromEnd(const Graph& graph, ValueId value, size_t axis_from_end);

// The first dimension; 1 for a single number.
double FirstDimension(const Graph& graph, ValueId value);

}  // namespace strop
