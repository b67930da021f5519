#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

// Stands in ReadClassLabels' result for a label that the loss leaves out.
inline constexpr int64_t kIgnoredLabel = -1;

// Class labels of any numeric element type as indices in [0, classes), or kIgnoredLabel where the
// label equals `ignore_index`. `shape` is the labels' shape, for the message; `indices` is as long
// as its element count. InvalidArgument naming the node, the row and the label when one is out of
// range or no whole number.
absl::Status ReadClassLabels(const Node& node, DataType type, const void* labels,
                             absl::Span<const int64_t> shape, int64_t classes,
                             std::optional<int64_t> ignore_index, absl::Span<int64_t> indices);

// numbers[i] = source[i] for elements of any numeric type; Number is float or double.
template <typename Number>
absl::Status ReadNumbers(DataType type, const void* source, absl::Span<Number> numbers);

}  // namespace strop
