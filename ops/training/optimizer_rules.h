#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "ops/core/kernel.h"
#include "ops/core/op_definition.h"

namespace strop {

// The kernels of the update ops that optimizer.cc defines, by family of rules.

// optimizer_momentum.cc
absl::StatusOr<std::unique_ptr<Kernel>> SgdUpdate(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> LionUpdate(const KernelRequest& request);

// optimizer_squares.cc
absl::StatusOr<std::unique_ptr<Kernel>> RmsPropUpdate(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> AdagradUpdate(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> AdadeltaUpdate(const KernelRequest& request);

// optimizer_adam.cc
absl::StatusOr<std::unique_ptr<Kernel>> AdamUpdate(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> NAdamUpdate(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> RAdamUpdate(const KernelRequest& request);

// optimizer_layerwise.cc
absl::StatusOr<std::unique_ptr<Kernel>> LarsUpdate(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> LambUpdate(const KernelRequest& request);

// optimizer_sharpness.cc: no update, but what comes before one.
OpDefinition SharpnessAscent();

}  // namespace strop
