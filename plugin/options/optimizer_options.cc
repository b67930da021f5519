#include "plugin/options/optimizer_options.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

// One option, the field it sets, and the optimizers that have it; none: all have it.
template <typename Field>
struct OptimizerOption {
  std::string name;
  Field OptimizerOptions::*field;
  std::vector<std::string> optimizers;
  std::string description;

  bool Suits(const std::string& optimizer) const {
    return optimizers.empty() || std::count(optimizers.begin(), optimizers.end(), optimizer) > 0;
  }
  // The row, but for its target.
  Option Row() const {
    Option row = {.name = name, .target = static_cast<bool*>(nullptr), .help = description};
    if (!optimizers.empty()) row.suits = {"optimizer", optimizers};
    return row;
  }
};

const std::vector<OptimizerOption<double>>& NumberOptions() {
  using Options = OptimizerOptions;
  static const std::vector<OptimizerOption<double>> kOptions = {
      {"momentum", &Options::momentum, {"sgd", "momentum", "rmsprop", "lars"}, ""},
      {"dampening", &Options::dampening, {"sgd", "momentum", "lars"}, ""},
      {"weight-decay",
       &Options::weight_decay,
       {},
       "Decoupled for adamw, lion and lamb, L2 for the others"},
      {"alpha", &Options::alpha, {"rmsprop"}, "decay of the squares"},
      {"rho", &Options::rho, {"adadelta"}, "decay of the squares"},
      {"beta1",
       &Options::beta1,
       {"adam", "adamw", "nadam", "radam", "lion", "lamb"},
       "decay of the mean"},
      {"beta2",
       &Options::beta2,
       {"adam", "adamw", "nadam", "radam", "lion", "lamb"},
       "decay of the squares; lion: of the mean that is kept"},
      {"epsilon",
       &Options::epsilon,
       {"rmsprop", "adagrad", "adadelta", "adam", "adamw", "nadam", "radam", "lamb", "lars"},
       "added to divisors"},
      {"learning-rate-decay", &Options::learning_rate_decay, {"adagrad"}, "PyTorch's lr_decay"},
      {"initial-accumulator-value",
       &Options::initial_accumulator_value,
       {"adagrad"},
       "first sum of squares"},
      {"momentum-decay", &Options::momentum_decay, {"nadam"}, ""},
      {"trust-coefficient",
       &Options::trust_coefficient,
       {"lars"},
       "size of a step over the size of the weights"},
  };
  return kOptions;
}

const std::vector<OptimizerOption<bool>>& FlagOptions() {
  using Options = OptimizerOptions;
  static const std::vector<OptimizerOption<bool>> kOptions = {
      {"nesterov", &Options::nesterov, {"sgd", "momentum", "lars"}, ""},
      {"centered", &Options::centered, {"rmsprop"}, "divide by the deviation"},
      {"amsgrad", &Options::amsgrad, {"adam", "adamw"}, "never let the squares shrink"},
      {"decoupled-weight-decay",
       &Options::decoupled_weight_decay,
       {"nadam", "radam"},
       "decay as adamw does"},
  };
  return kOptions;
}

}  // namespace

void AddOptimizerOptions(OptionSet& options, OptimizerArguments& arguments) {
  std::vector<Option> rows = {
      {.name = "optimizer",
       .target = &arguments.optimizer,
       .choices = OptimizerNames(),
       .has_default = true,
       .is_common = true,
       .comparison = Comparison::kMain,
       .help = "PyTorch's meaning and defaults of each; lion, lamb and lars as in their papers"},
      {.name = "learning-rate",
       .target = &arguments.learning_rate,
       .range = kFromZero,
       .is_common = true,
       .comparison = Comparison::kMain,
       .help = "Step size [1e-3; adagrad 1e-2, nadam 2e-3, lion 1e-4, adadelta and lars 1]"}};
  for (const OptimizerOption<double>& option : NumberOptions()) {
    Option& row = rows.emplace_back(option.Row());
    row.target = &arguments.numbers[option.name];
    row.range = kFromZero;
    row.is_common = option.name == "weight-decay";
  }
  for (const OptimizerOption<bool>& option : FlagOptions()) {
    rows.emplace_back(option.Row()).target = &arguments.flags[option.name];
  }
  rows.push_back({.name = "clip-norm",
                  .target = &arguments.clip_norm,
                  .range = kAboveZero,
                  .help = "Largest norm of all gradients together"});
  rows.push_back({.name = "clip-value",
                  .target = &arguments.clip_value,
                  .range = kAboveZero,
                  .help = "Largest size of a gradient's element"});
  options.Add("Optimizer", std::move(rows));
}

absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(const OptimizerArguments& arguments) {
  STROP_ASSIGN_OR_RETURN(OptimizerOptions options,
                         OptimizerOptionsOf(std::string_view(arguments.optimizer)));
  for (const OptimizerOption<double>& option : NumberOptions()) {
    const auto typed = arguments.numbers.find(option.name);
    if (typed == arguments.numbers.end() || !typed->second) continue;
    options.*option.field = *typed->second;
  }
  for (const OptimizerOption<bool>& option : FlagOptions()) {
    const auto typed = arguments.flags.find(option.name);
    if (typed == arguments.flags.end() || !typed->second) continue;
    options.*option.field = true;
  }
  options.clip_norm = arguments.clip_norm;
  options.clip_value = arguments.clip_value;
  STROP_RETURN_IF_ERROR(CheckOptimizerOptions(options));
  return options;
}

std::vector<std::pair<std::string, double>> OptimizerNumbers(const std::string& optimizer,
                                                             const OptimizerOptions& options) {
  std::vector<std::pair<std::string, double>> numbers;
  for (const OptimizerOption<double>& option : NumberOptions()) {
    if (option.Suits(optimizer)) numbers.emplace_back(option.name, options.*option.field);
  }
  return numbers;
}

double LearningRateOf(const OptimizerArguments& arguments) {
  return arguments.learning_rate.value_or(DefaultLearningRate(arguments.optimizer));
}

}  // namespace strop
