#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace strop {

// Samples whose classes are told by texts: folders of pictures, labels of a CSV.
struct NumberedClasses {
  std::vector<std::string> names;  // in the order of the numbers
  std::vector<int64_t> labels;     // one a text
};

// Numbers texts by their place among `known`, or where that is empty among the sorted texts
// themselves. InvalidArgument listing the texts that `known` lacks; `origin` is where they stand.
absl::StatusOr<NumberedClasses> NumberClasses(const std::string& origin,
                                              absl::Span<const std::string> texts,
                                              absl::Span<const std::string> known);

// InvalidArgument unless the classes of the data at `origin`, where they have names, are as many as
// the model's: numbers that were counted without one of them would be others.
absl::Status CheckClassCount(const std::string& origin, absl::Span<const std::string> names,
                             int64_t model_classes);

// "a, b, c", of many the first and how many there are more.
std::string ListNames(absl::Span<const std::string> names);

}  // namespace strop
