#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "ops/core/kernel.h"

namespace strop {

// A kernel of one input and one output that copies a tensor from one layout to another; null is
// dense.
absl::StatusOr<std::unique_ptr<Kernel>> MakeReorderKernel(DataType type, const Shape& shape,
                                                          const Layout& from, const Layout& to);

}  // namespace strop
