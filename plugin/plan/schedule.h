#pragma once

#include "graph/graph.h"

namespace strop {

// Moves every node that computes the new value of a state in place to the first point where its
// inputs are there and nothing reads the old value any more. A parameter is then updated while its
// gradient is still in the cache, and the gradient's memory is free at once.
void ScheduleUpdatesEarly(Graph& graph);

}  // namespace strop
