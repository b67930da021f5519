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
  // "adam, adamw: …".
  std::string Help() const {
    if (optimizers.empty()) return description;
    const std::string owners = absl::StrJoin(optimizers, ", ");
    return description.empty() ? owners : absl::StrCat(owners, ": ", description);
  }
};

const std::vector<OptimizerOption<double>>& NumberOptions() {
  using Options = OptimizerOptions;
  static const std::vector<OptimizerOption<double>> kOptions = {
      {"--momentum", &Options::momentum, {"sgd", "momentum", "rmsprop", "lars"}, ""},
      {"--dampening", &Options::dampening, {"sgd", "momentum", "lars"}, ""},
      {"--weight-decay",
       &Options::weight_decay,
       {},
       "Decoupled for adamw, lion and lamb, L2 for the others"},
      {"--alpha", &Options::alpha, {"rmsprop"}, "decay of the squares"},
      {"--rho", &Options::rho, {"adadelta"}, "decay of the squares"},
      {"--beta1",
       &Options::beta1,
       {"adam", "adamw", "nadam", "radam", "lion", "lamb"},
       "decay of the mean"},
      {"--beta2",
       &Options::beta2,
       {"adam", "adamw", "nadam", "radam", "lion", "lamb"},
       "decay of the squares; lion: of the mean that is kept"},
      {"--epsilon",
       &Options::epsilon,
       {"rmsprop", "adagrad", "adadelta", "adam", "adamw", "nadam", "radam", "lamb", "lars"},
       "added to divisors"},
      {"--learning-rate-decay", &Options::learning_rate_decay, {"adagrad"}, "PyTorch's lr_decay"},
      {"--initial-accumulator-value",
       &Options::initial_accumulator_value,
       {"adagrad"},
       "first sum of squares"},
      {"--momentum-decay", &Options::momentum_decay, {"nadam"}, ""},
      {"--trust-coefficient",
       &Options::trust_coefficient,
       {"lars"},
       "size of a step over the size of the weights"},
  };
  return kOptions;
}

const std::vector<OptimizerOption<bool>>& FlagOptions() {
  using Options = OptimizerOptions;
  static const std::vector<OptimizerOption<bool>> kOptions = {
      {"--nesterov", &Options::nesterov, {"sgd", "momentum", "lars"}, ""},
      {"--centered", &Options::centered, {"rmsprop"}, "divide by the deviation"},
      {"--amsgrad", &Options::amsgrad, {"adam", "adamw"}, "never let the squares shrink"},
      {"--decoupled-weight-decay",
       &Options::decoupled_weight_decay,
       {"nadam", "radam"},
       "decay as adamw does"},
  };
  return kOptions;
}

template <typename Field>
absl::Status CheckSuits(const OptimizerOption<Field>& option, const std::string& optimizer) {
  if (option.Suits(optimizer)) return absl::OkStatus();
  return UsageError(absl::StrCat(option.name, ": the optimizer ", optimizer,
                                 " does not have it; it belongs to ",
                                 absl::StrJoin(option.optimizers, ", ")));
}

}  // namespace

void AddOptimizerOptions(CLI::App& app, OptimizerArguments& arguments) {
  const std::string group = "Optimizer";
  app.add_option("--optimizer", arguments.optimizer,
                 "PyTorch's meaning and defaults of each; lion, lamb and lars as in their papers")
      ->check(OneOf(OptimizerNames()))
      ->capture_default_str()
      ->group(group);
  app.add_option("--learning-rate", arguments.learning_rate,
                 "Step size [1e-3; adagrad 1e-2, nadam 2e-3, lion 1e-4, adadelta and lars 1]")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  for (const OptimizerOption<double>& option : NumberOptions()) {
    app.add_option(option.name, arguments.numbers[option.name], option.Help())
        ->check(CLI::NonNegativeNumber)
        ->group(group);
  }
  for (const OptimizerOption<bool>& option : FlagOptions()) {
    app.add_flag(option.name, arguments.flags[option.name], option.Help())->group(group);
  }
  app.add_option("--clip-norm", arguments.clip_norm, "Largest norm of all gradients together")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--clip-value", arguments.clip_value, "Largest size of a gradient's element")
      ->check(CLI::PositiveNumber)
      ->group(group);
}

absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(const OptimizerArguments& arguments) {
  STROP_ASSIGN_OR_RETURN(OptimizerOptions options,
                         OptimizerOptionsOf(std::string_view(arguments.optimizer)));
  for (const OptimizerOption<double>& option : NumberOptions()) {
    const auto typed = arguments.numbers.find(option.name);
    if (typed == arguments.numbers.end() || !typed->second) continue;
    STROP_RETURN_IF_ERROR(CheckSuits(option, arguments.optimizer));
    options.*option.field = *typed->second;
  }
  for (const OptimizerOption<bool>& option : FlagOptions()) {
    const auto typed = arguments.flags.find(option.name);
    if (typed == arguments.flags.end() || !typed->second) continue;
    STROP_RETURN_IF_ERROR(CheckSuits(option, arguments.optimizer));
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
    if (option.Suits(optimizer)) numbers.emplace_back(option.name.substr(2), options.*option.field);
  }
  return numbers;
}

double LearningRateOf(const OptimizerArguments& arguments) {
  return arguments.learning_rate.value_or(DefaultLearningRate(arguments.optimizer));
}

}  // namespace strop
