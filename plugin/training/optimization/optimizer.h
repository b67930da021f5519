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
  kSgd,       // torch.optim.SGD
  kRmsProp,   // torch.optim.RMSprop
  kAdagrad,   // torch.optim.Adagrad
  kAdadelta,  // torch.optim.Adadelta
  kAdam,      // torch.optim.Adam
  kAdamW,     // torch.optim.AdamW
  kNAdam,     // torch.optim.NAdam
  kRAdam,     // torch.optim.RAdam
  kLion,      // Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"
  kLamb,      // You et al. 2020, "Large Batch Optimization for Deep Learning"
  kLars,      // You et al. 2017, "Large Batch Training of Convolutional Networks"
};

// Names, meanings and defaults are torch.optim's, or the paper's; an option that the kind does not
// have is ignored. The defaults here are those of most kinds, OptimizerOptionsOf knows each one's.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  double momentum = 0;
  double dampening = 0;
  bool nesterov = false;
  double weight_decay = 0;              // decoupled for AdamW, Lion and LAMB
  bool decoupled_weight_decay = false;  // of NAdam and RAdam
  double alpha = 0.99;
  bool centered = false;
  double rho = 0.9;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
  double learning_rate_decay = 0;        // torch.optim.Adagrad's lr_decay
  double initial_accumulator_value = 0;  // of Adagrad
  double momentum_decay = 4e-3;          // of NAdam
  double trust_coefficient = 1e-3;       // of LARS
  double clip_norm = 0;                  // of all gradients together; 0: no clipping
  double clip_value = 0;                 // of each element, after clip_norm; 0: no clipping
};

// gd, sgd, momentum (sgd with momentum 0.9), rmsprop, adagrad, adadelta, adam, adamw, nadam, radam,
// lion, lamb, lars.
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
