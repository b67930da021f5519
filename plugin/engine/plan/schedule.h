#pragma once

#include "graph/graph.h"

namespace strop {

// Moves every node that computes the new value of a state in place to the first point where its
// inputs are there and nothing reads the old value any more. A parameter is then updated while its
// gradient is still in the cache, and the gradient's memory is free at once. So are nodes moved
// that tell less than they read (a tensor's statistics) and that no node reads, unless
// `has_late_inputs`: these would wait for readers of the states that they read, and so for inputs
// that their results are to come before. Every value has its shape.
void ScheduleUpdatesEarly(Graph& graph, bool has_late_inputs);

}  // namespace strop
