#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace strop {

// The nodes that other runtimes compute otherwise than Strop, which follows ONNX's reference: one
// line each, as the file goes back to them. Shapes count as far as the graph's inputs declare them.
std::vector<std::string> RuntimeDifferences(const Graph& graph);

}  // namespace strop
