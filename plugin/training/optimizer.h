#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

enum class OptimizerKind {
  kSgd,      // torch.optim.SGD
  kRmsProp,  // torch.optim.RMSprop
  kAdam,     // torch.optim.Adam
  kAdamW,    // torch.optim.AdamW
};

// Names, meanings and defaults are torch.optim's; an option that the kind does not have is ignored.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  double momentum = 0;
  double dampening = 0;
  bool nesterov = false;
  double weight_decay = 0;
  double alpha = 0.99;
  bool centered = false;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
  double clip_norm = 0;   // of all gradients together; 0: no clipping
  double clip_value = 0;  // of each element, after clip_norm; 0: no clipping
};

// The defaults of gd, sgd, momentum (sgd with momentum 0.9), rmsprop, adam or adamw (weight_decay
// 0.01). InvalidArgument listing them for another name.
absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(std::string_view name);

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

// Adds the nodes that update each parameter and its moments, states called
// "<parameter>/<PyTorch's name of the moment>", and the state updates. `learning_rate` is a rank-0
// double, `step` a rank-0 int64 that counts from 1. Returns the norm of all gradients before
// clipping, rank-0 double; kNoValue without clip_norm.
absl::StatusOr<ValueId> AddOptimizer(Graph& graph, const OptimizerOptions& options,
                                     absl::Span<const ParameterGradient> parameters,
                                     ValueId learning_rate, ValueId step);

}  // namespace strop
