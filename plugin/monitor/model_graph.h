#pragma once

#include "graph/graph.h"
#include "plugin/monitor/record.h"

namespace strop {

// A model's nodes, inputs, parameters and constants, as a record.
ModelGraph ModelGraphOf(const Graph& graph);

}  // namespace strop
