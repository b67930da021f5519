#pragma once

#include <array>
#include <memory>
#include <string>
#include <type_traits>

#include "absl/status/statusor.h"
#include "ops/core/kernel.h"
#include "ops/kernels/simd/vector_functions.h"

namespace strop {

// The numbers that a vector function takes beside its operands.
using VectorParameters = std::array<float, 2>;

// Fast kernels on float: a function of ops/kernels/simd over all elements, in any unpadded layout.
// Null for other element types.
std::unique_ptr<Kernel> MakeVectorUnary(const KernelRequest& request, simd::Unary function,
                                        VectorParameters parameters = {});
std::unique_ptr<Kernel> MakeVectorBinary(const KernelRequest& request, simd::Binary function,
                                         VectorParameters parameters = {});

// y = function(a, b) on operands that broadcast. Null also where rows are too short to gain.
std::unique_ptr<Kernel> MakeVectorBroadcasting(const KernelRequest& request,
                                               const simd::Broadcasting& function);

// "simd AVX3": Kernel::implementation of what runs functions of ops/kernels/simd.
std::string VectorImplementation();

// The factory of an operator without attributes, by the function's name.
template <auto kFunction>
absl::StatusOr<std::unique_ptr<Kernel>> Vector(const KernelRequest& request) {
  const auto& function = simd::Functions().*kFunction;
  using Function = std::remove_cvref_t<decltype(function)>;
  if constexpr (std::is_same_v<Function, simd::Unary>) {
    return MakeVectorUnary(request, function);
  } else if constexpr (std::is_same_v<Function, simd::Binary>) {
    return MakeVectorBinary(request, function);
  } else {
    return MakeVectorBroadcasting(request, function);
  }
}

}  // namespace strop
