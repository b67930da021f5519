#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/data/model_binding.h"

namespace strop {

// The first element of bound targets that the loss does not take.
struct TargetFault {
  int64_t element = -1;  // none
  std::string problem;   // "found …, expected …"
};

// Looks at the first `count` elements of `target`: samples of shape `sample`, one after the other.
absl::StatusOr<TargetFault> FindTargetFault(const TargetInterface& interface, const Shape& sample,
                                            const Tensor& target, int64_t count);

// "a class from 0 to 9 as the model's output has 10".
std::string ExpectedClass(const TargetInterface& interface);

}  // namespace strop
