#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/operations/operation.h"
#include "plugin/options/model_options.h"

namespace strop {

inline constexpr OperationTitle kGradient = {"gradient",
                                             "Vector-Jacobian product: gradients by name"};

struct GradientOptions {
  ModelOptions model;
  std::string inputs;            // .npz by input name
  std::string output_gradients;  // .npz by output name; empty: ones
  std::vector<std::string> wrt;  // names; empty: every floating input and trained tensor
  std::string output;            // .npz
};

void AddGradientOptions(OptionSet& set, GradientOptions& options);

// The gradients by name, which are written to the output too.
absl::StatusOr<std::vector<NamedTensor>> ComputeGradients(const GradientOptions& options);

Operation GradientOperation();

}  // namespace strop
