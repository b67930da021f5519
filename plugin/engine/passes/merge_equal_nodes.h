#pragma once

#include "absl/status/status.h"
#include "graph/graph.h"

namespace strop {

// Common subexpression elimination: nodes with the same operator, attributes and inputs become
// one, small equal constants too. Random nodes stay apart.
absl::Status MergeEqualNodes(Graph& graph);

}  // namespace strop
