#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "ops/contraction.h"
#include "ops/kernel.h"

namespace strop::onednn {

// Output 0 = Σ input 0 · input 1 as one oneDNN matmul, transposes as strides, nothing packed ahead;
// input 2, if `has_bias`, is added to every row. Null when the product is no single matmul of
// strided matrices or the type is none that oneDNN multiplies fast here.
absl::StatusOr<std::unique_ptr<Kernel>> ProductKernel(const KernelRequest& request,
                                                      const Contraction& contraction,
                                                      bool has_bias);

}  // namespace strop::onednn
