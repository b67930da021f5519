#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace strop {

// What ReduceSum, ReduceMean, … share.
struct ReduceAttributes {
  bool keep_dimensions;
  bool no_axes_is_no_reduction;

  explicit ReduceAttributes(const Node& node)
      : keep_dimensions(node.attributes.Int("keepdims", 1) != 0),
        no_axes_is_no_reduction(node.attributes.Int("noop_with_empty_axes", 0) != 0) {}
};

// One flag per axis of a tensor of `rank`: true where the node reduces it. `axes`: the node's axes
// input, empty when absent.
absl::StatusOr<std::vector<bool>> ReducedAxes(const Node& node, const std::vector<int64_t>& axes,
                                              int64_t rank);

}  // namespace strop
