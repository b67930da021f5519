#include "ops/core/axes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {

absl::StatusOr<int64_t> AxisOf(const Node& node, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found axis ", axis,
                                                   " for a tensor of rank ", rank,
                                                   ", expected one in [-rank, rank)"));
  }
  return axis < 0 ? axis + rank : axis;
}

absl::StatusOr<std::vector<int64_t>> AxesOf(const Node& node, absl::Span<const int64_t> axes,
                                            int64_t rank) {
  std::vector<int64_t> sorted;
  for (const int64_t axis : axes) {
    STROP_ASSIGN_OR_RETURN(const int64_t counted, AxisOf(node, axis, rank));
    sorted.push_back(counted);
  }
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(NodeLabel(node), ": found an axis named twice, expected distinct axes"));
  }
  return sorted;
}

absl::StatusOr<std::vector<int64_t>> ConstantIntegers(const KernelRequest& request, size_t index) {
  if (!request.has_input(index)) return std::vector<int64_t>();
  if (request.inputs[index].constant == nullptr) {
    return absl::InternalError(absl::StrCat(NodeLabel(request.node), ": input ", index,
                                            " was planned as a constant and is none"));
  }
  return IntegerElements(*request.inputs[index].constant);
}

}  // namespace strop
