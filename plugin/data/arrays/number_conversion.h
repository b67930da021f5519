#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "graph/tensor.h"

namespace strop {

enum class NonFinite { kRefuse, kKeep };

// Converts the first `count` elements of `from` into `to` and returns the index of the first that
// does not survive, or -1: NaN and infinity where they are refused, numbers that the type of `to`
// cannot hold, fractions on their way into integers. Floating numbers may be rounded.
// InvalidArgument for types that are no numbers.
absl::StatusOr<int64_t> ConvertNumbers(const Tensor& from, Tensor& to, int64_t count,
                                       NonFinite non_finite);

// The same for a whole tensor; InvalidArgument naming `label` when a number does not survive.
absl::StatusOr<Tensor> ConvertExactly(const Tensor& tensor, DataType type,
                                      const std::string& label);

// One element as text.
std::string NumberName(const Tensor& tensor, int64_t index);

}  // namespace strop
