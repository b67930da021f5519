#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "plugin/training/optimization/optimizer_table.h"

namespace strop {

// Those of kOptimizers.
std::vector<std::string> OptimizerNames();

// The defaults of one of the names; InvalidArgument listing them for another.
absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(std::string_view name);

// The learning rate that the optimizer is published with, 1e-3 for most.
double DefaultLearningRate(std::string_view name);

// InvalidArgument naming the option whose value makes no sense.
absl::Status CheckOptimizerOptions(const OptimizerOptions& options);

// A state and the gradient of the loss by it, with what its parameter group says otherwise.
struct ParameterGradient {
  ValueId parameter = kNoValue;
  ValueId gradient = kNoValue;
  ValueId learning_rate = kNoValue;    // kNoValue: that of all
  ValueId step = kNoValue;             // kNoValue: that of all
  std::optional<double> weight_decay;  // absent: that of all
};

// What the updates tell, as rank-0 doubles.
struct OptimizerOutputs {
  ValueId gradient_norm = kNoValue;  // of all gradients before clipping; kNoValue without clip_norm
  std::vector<ValueId> health;  // of each parameter: NaN where its update, or a part, was left out
};

// Adds the nodes that update each parameter and its moments, states called
// "<parameter>/<PyTorch's name of the moment>", and the state updates. `learning_rate` is a rank-0
// double, `step` a rank-0 int64 that counts from 1. A step whose `loss` (rank 0) is not finite
// changes nothing; where elements of a gradient are not finite, they and their neighbours stay.
absl::StatusOr<OptimizerOutputs> AddOptimizer(Graph& graph, const OptimizerOptions& options,
                                              absl::Span<const ParameterGradient> parameters,
                                              ValueId learning_rate, ValueId step, ValueId loss);

}  // namespace strop
