#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "ops/core/kernel.h"

namespace strop {

// Kernel of (X[N,C,…]) → Y[C] = Σ over all axes but C, in whatever channel layout X comes.
absl::StatusOr<std::unique_ptr<Kernel>> ChannelSum(const KernelRequest& request);

}  // namespace strop
