#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "ops/core/kernel.h"

namespace strop {

struct BatchNormalizationAttributes {
  double epsilon;   // added to the variance
  double momentum;  // share of the old running statistics
  bool training;    // statistics of the batch instead of the running ones

  explicit BatchNormalizationAttributes(const Node& node)
      : epsilon(node.attributes.Float("epsilon", 1e-5)),
        momentum(node.attributes.Float("momentum", 0.9)),
        training(node.attributes.Int("training_mode", 0) != 0) {}
};

// Operands of BatchNormalizationGradient.
struct BatchNormalizationGradientOperands {
  // Inputs. Mean and variance are those that forward used. The cotangents of Y and of the running
  // statistics are there when something flows back through them.
  enum Input : size_t { kX, kScale, kMean, kVariance, kDy, kDyMean, kDyVariance, kInputCount };
  // Outputs, each optional.
  enum Output : size_t { kDx, kDScale, kDBias, kDMean, kDVariance, kOutputCount };
};

// Kernels for every floating type, in whatever channel layout X comes.
absl::StatusOr<std::unique_ptr<Kernel>> BatchNormalizationKernel(const KernelRequest& request);
absl::StatusOr<std::unique_ptr<Kernel>> BatchNormalizationGradientKernel(
    const KernelRequest& request);

// (dY, scale, variance) → dX with constant statistics.
absl::StatusOr<std::unique_ptr<Kernel>> BatchNormalizationInputGradientKernel(
    const KernelRequest& request);

}  // namespace strop
