#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/options/model_options.h"
#include "plugin/session/gradient_check.h"

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

// For every floating input and trained tensor; `on_tensor`, which may be null, is told of each.
absl::StatusOr<std::vector<CheckedGradient>> CheckGradients(
    const CheckOptions& options, const std::function<void(const CheckedGradient&)>& on_tensor);

nlohmann::ordered_json ToJson(const CheckedGradient& checked);

Operation CheckOperation();

}  // namespace strop
