#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "ops/core/kernel.h"
#include "ops/kernels/contraction.h"

namespace strop::onednn {

// Output 0 = Σ A·B as one oneDNN matmul, A and B the inputs `first_input` and the next, transposes
// as strides, nothing packed ahead; input 2, if `has_bias`, is added to every row. Null when the
// product is no single matmul of strided matrices or the type is none that oneDNN multiplies fast
// here.
absl::StatusOr<std::unique_ptr<Kernel>> ProductKernel(const KernelRequest& request,
                                                      const Contraction& contraction, bool has_bias,
                                                      size_t first_input = 0);

}  // namespace strop::onednn
