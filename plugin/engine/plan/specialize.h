#pragma once

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

// The graph for these input shapes: every value has its full shape, whatever follows from shapes
// and constants is a constant, nodes that change nothing and outputs that nobody reads are gone.
// `input_shapes` in the order of graph.inputs. InvalidArgument naming the node when shapes
// disagree.
absl::StatusOr<Graph> Specialize(Graph graph, absl::Span<const Shape> input_shapes);

}  // namespace strop
