#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "ops/core/kernel.h"

namespace strop {

// `axis` counted from the front; InvalidArgument naming the node outside [-rank, rank).
absl::StatusOr<int64_t> AxisOf(const Node& node, int64_t axis, int64_t rank);

// The same for a list, sorted. InvalidArgument for an axis that is named twice.
absl::StatusOr<std::vector<int64_t>> AxesOf(const Node& node, absl::Span<const int64_t> axes,
                                            int64_t rank);

// Elements of an integer input that the node's shape rule has asked for already; empty when the
// input is absent.
absl::StatusOr<std::vector<int64_t>> ConstantIntegers(const KernelRequest& request, size_t index);

}  // namespace strop
