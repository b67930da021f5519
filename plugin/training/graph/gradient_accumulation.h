#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/training/graph/step_variant.h"
#include "plugin/training/optimization/optimizer.h"

namespace strop {

// The cotangent of `loss` in a step on one of several batches that make an update: the rank-0
// double `batch_share` in the loss's type. The accumulated gradients are then those of the mean
// loss of all samples.
absl::StatusOr<ValueId> AddLossCotangent(Graph& graph, ValueId loss, ValueId batch_share);

// Adds a state "<parameter>/accumulated_gradient" for every parameter. A step that updates, or
// ascends, gets the accumulated gradients and its own in place of its own; one that does not keeps
// the sum. The sum starts anew where the rank-0 double `keeps_gradients` is 0. Returns, of a step
// that keeps it, a rank-0 double for each parameter: NaN where its own gradient is not finite.
absl::StatusOr<std::vector<ValueId>> AccumulateGradients(
    Graph& graph, StepVariant::Kind kind, ValueId keeps_gradients,
    std::vector<ParameterGradient>& parameters);

}  // namespace strop
