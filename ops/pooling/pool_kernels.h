#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "ops/core/kernel.h"
#include "ops/kernels/window.h"

namespace strop {

// The window of a pool over X; the global pools have one that covers all of X.
absl::StatusOr<Window> PoolWindow(const Node& node, const Shape& x);

// Element type in which MaxPool saves which kernel cell won.
DataType WinnerType(const Node& node);

// Kernels for every numeric type in whatever channel layout X comes.
absl::StatusOr<std::unique_ptr<Kernel>> MaxPoolKernel(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> AveragePoolKernel(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> LpPoolKernel(const KernelRequest& request);

// (dY, winners, X: shape) → dX; (dY, X: shape) → dX; (dY, X, Y) → dX.
absl::StatusOr<std::unique_ptr<Kernel>> MaxPoolGradientKernel(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> AveragePoolGradientKernel(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> LpPoolGradientKernel(const KernelRequest& request);

}  // namespace strop
