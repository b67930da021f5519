#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/engine/plan/plan_options.h"

namespace strop {

// A derivative along a random direction of one tensor: by its gradient, and by differences.
struct CheckedGradient {
  std::string tensor;
  double analytic = 0;
  double numeric = 0;
  double relative_error = std::numeric_limits<double>::infinity();
  bool is_ok = false;
};

struct GradientCheckOptions {
  double tolerance = 1e-6;  // largest relative error
  uint64_t seed = 0;        // of directions and cotangents
  PlanOptions plan;
};

// For every floating input and trained tensor of a model in double. `feeds` are its inputs;
// `on_tensor`, which may be null, is told of each.
absl::StatusOr<std::vector<CheckedGradient>> CheckGradients(
    const ImportedModel& model, std::vector<Tensor> feeds, const GradientCheckOptions& options,
    const std::function<void(const CheckedGradient&)>& on_tensor = nullptr);

// Internal when a gradient differs by more than the tolerance.
absl::Status VerdictOf(const std::vector<CheckedGradient>& checked, double tolerance);

}  // namespace strop
