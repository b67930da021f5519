#pragma once

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/options/model_options.h"

namespace strop {

inline constexpr OperationTitle kCheck = {
    "check", "Gradient check in double precision along random directions"};

struct CheckOptions {
  ModelOptions model;
  std::string inputs;               // .npz by input name; empty: random ones
  std::vector<std::string> shapes;  // of random ones, "NAME=1,3,224,224"
  double tolerance = 1e-6;          // largest relative error
};

void AddCheckOptions(OptionSet& set, CheckOptions& options);

// A derivative along a random direction of one tensor: by its gradient, and by differences.
struct CheckedGradient {
  std::string tensor;
  double analytic = 0;
  double numeric = 0;
  double relative_error = std::numeric_limits<double>::infinity();
  bool is_ok = false;
};

// For every floating input and trained tensor; `on_tensor`, which may be null, is told of each.
absl::StatusOr<std::vector<CheckedGradient>> CheckGradients(
    const CheckOptions& options, const std::function<void(const CheckedGradient&)>& on_tensor);

// Internal when a gradient differs by more than the tolerance.
absl::Status VerdictOf(const std::vector<CheckedGradient>& checked, double tolerance);

nlohmann::ordered_json ToJson(const CheckedGradient& checked);

Operation CheckOperation();

}  // namespace strop
