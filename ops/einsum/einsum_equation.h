#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor_type.h"

namespace strop {

// The subscripts of one operand, one label an axis. Letters are their own code; the axes of an
// ellipsis are counted from the right, from kEllipsisAxis on.
using EinsumLabels = std::vector<int>;
inline constexpr int kEllipsisAxis = 1000;

// An Einsum equation with every ellipsis spelled out for the operands' ranks.
struct EinsumEquation {
  std::vector<EinsumLabels> operands;
  EinsumLabels output;

  // InvalidArgument, without the node's name, for an equation that does not fit the ranks.
  static absl::StatusOr<EinsumEquation> Parse(std::string_view equation,
                                              const std::vector<int64_t>& ranks);

  // The range of each label; axes of size 1 broadcast. InvalidArgument where sizes differ.
  absl::StatusOr<std::map<int, int64_t>> Sizes(const std::vector<Shape>& shapes) const;
};

}  // namespace strop
