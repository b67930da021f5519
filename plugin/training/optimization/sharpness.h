#pragma once

#include <map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/training/graph/step_variant.h"
#include "plugin/training/optimization/optimizer.h"

namespace strop {

// Sharpness-aware minimization: Foret et al. 2021. A step passes over its batches twice: at the
// weights w, and at those that raise the loss most within a distance rho, w + rho·g/‖g‖ of the
// gradient g of all trained parameters together. The optimizer moves w by the gradient there.
struct SharpnessOptions {
  double rho = 0;         // 0: off
  bool adaptive = false;  // ASAM, Kwon et al. 2021: w + rho·w²·g/‖w·g‖

  bool is_on() const { return rho > 0; }
};

// The passes of a step: the one that ends with the update, or the two.
std::vector<StepPass> PassesOf(const SharpnessOptions& options);

// InvalidArgument for a rho that makes no sense.
absl::Status CheckSharpnessOptions(const SharpnessOptions& options);

// Ends the first pass: where each parameter ascends to is a state "<parameter>/ascended" from
// then on. The parameters stay. The gradient of each has to be there. Returns the norm that the
// ascent divides by, a rank-0 double.
absl::StatusOr<ValueId> AddAscent(Graph& graph, const SharpnessOptions& options,
                                  const std::vector<ParameterGradient>& parameters);

// Begins the second pass: all nodes read the ascended parameters in place of the parameters. Returns the
// parameters by the states that stand for them.
std::map<ValueId, ValueId> ReadAscended(Graph& graph,
                                        const std::vector<ParameterGradient>& parameters);

}  // namespace strop
