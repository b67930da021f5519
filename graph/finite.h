#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "graph/tensor.h"

namespace strop {

// The first element of a floating tensor that is NaN or infinite in the floating type `type`, in
// words: "nan", or "70000, which float16 cannot hold". Empty when there is none.
std::string DescribeNotFinite(const Tensor& tensor, DataType type);

// ConvertTensor; FailedPrecondition when an element would not be finite.
absl::StatusOr<Tensor> ConvertFinite(const Tensor& tensor, DataType type);

}  // namespace strop
