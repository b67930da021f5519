#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/options/model_options.h"

namespace strop {

// A vector-Jacobian product, cotangentᵀ · ∂outputs/∂wrt.
struct GradientRequest {
  std::vector<NamedTensor> inputs;                     // by the name of the input
  std::optional<std::vector<NamedTensor>> cotangents;  // by the name of the output; absent: ones
  std::vector<std::string> wrt;  // names; empty: every floating input and trained tensor
  // What messages call the arrays.
  std::string inputs_origin = "inputs";
  std::string cotangents_origin = "cotangents";
};

// The gradients by name, in the order of request.wrt. `options` say how to compute; the listener is
// told what no gradient reaches. InvalidArgument for arrays that do not fit, and names that are
// none.
absl::StatusOr<std::vector<NamedTensor>> ComputeGradients(const ImportedModel& model,
                                                          const GradientRequest& request,
                                                          const ModelOptions& options);

}  // namespace strop
