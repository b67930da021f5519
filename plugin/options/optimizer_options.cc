#include "plugin/options/optimizer_options.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "graph/status_macros.h"
#include "plugin/options/table/toml_value.h"

namespace strop {
namespace {

// "weight-decay", as an option is typed.
std::string TypedName(std::string_view name) {
  return absl::StrReplaceAll(std::string(name), {{"_", "-"}});
}

// The default of most, and of those that have another one.
std::string LearningRates() {
  constexpr double kUsual = OptimizerRow().learning_rate;
  std::vector<std::string> others;
  for (const OptimizerRow& optimizer : kOptimizers) {
    if (optimizer.learning_rate == kUsual) continue;
    others.push_back(
        absl::StrCat(std::string(optimizer.name), " ", ShortestText(optimizer.learning_rate)));
  }
  return absl::StrCat(ShortestText(kUsual), "; ", absl::StrJoin(others, ", "));
}

// The row of a number or flag of kOptimizers, but for its target.
template <typename Field>
Option RowOf(const OptimizerSetting<Field>& setting) {
  Option row = {.name = TypedName(setting.name),
                .target = static_cast<bool*>(nullptr),
                .help = std::string(setting.meaning)};
  std::vector<std::string> owners;
  for (const OptimizerRow& optimizer : kOptimizers) {
    if (optimizer.has(setting.name)) owners.emplace_back(optimizer.name);
  }
  if (owners.size() < std::size(kOptimizers)) row.suits = {"optimizer", std::move(owners)};
  return row;
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
       .help = absl::StrCat("Step size [", LearningRates(), "]")}};
  for (const OptimizerSetting<double>& number : kOptimizerNumbers) {
    Option& row = rows.emplace_back(RowOf(number));
    row.target = &arguments.numbers[row.name];
    row.range = kFromZero;
    row.is_common = row.name == "weight-decay";
  }
  for (const OptimizerSetting<bool>& flag : kOptimizerFlags) {
    Option& row = rows.emplace_back(RowOf(flag));
    row.target = &arguments.flags[row.name];
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

void AddSharpnessOptions(OptionSet& options, SharpnessOptions& sharpness) {
  options.Add("Optimizer",
              {{.name = "sam-rho",
                .target = &sharpness.rho,
                .value_name = "RHO",
                .range = kAboveZero,
                .help = "Sharpness-aware minimization: step by the gradient where the loss is "
                        "highest within RHO of the weights, 0.05 say; a step takes twice the time"},
               {.name = "sam-adaptive",
                .target = &sharpness.adaptive,
                .needs = {"sam-rho"},
                .help = "Measure that distance relative to each weight (ASAM), with a RHO of 0.5 "
                        "say"}});
}

absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(const OptimizerArguments& arguments) {
  STROP_ASSIGN_OR_RETURN(OptimizerOptions options,
                         OptimizerOptionsOf(std::string_view(arguments.optimizer)));
  for (const OptimizerSetting<double>& number : kOptimizerNumbers) {
    const auto typed = arguments.numbers.find(TypedName(number.name));
    if (typed != arguments.numbers.end() && typed->second) options.*number.field = *typed->second;
  }
  for (const OptimizerSetting<bool>& flag : kOptimizerFlags) {
    const auto typed = arguments.flags.find(TypedName(flag.name));
    if (typed != arguments.flags.end() && typed->second) options.*flag.field = true;
  }
  options.clip_norm = arguments.clip_norm;
  options.clip_value = arguments.clip_value;
  STROP_RETURN_IF_ERROR(CheckOptimizerOptions(options));
  return options;
}

std::vector<std::pair<std::string, double>> OptimizerNumbers(const OptimizerOptions& options) {
  std::vector<std::pair<std::string, double>> numbers;
  for (const OptimizerSetting<double>& number : kOptimizerNumbers) {
    const bool has_it = std::any_of(
        std::begin(kOptimizers), std::end(kOptimizers), [&](const OptimizerRow& optimizer) {
          return optimizer.name == options.optimizer && optimizer.has(number.name);
        });
    if (has_it) numbers.emplace_back(TypedName(number.name), options.*number.field);
  }
  return numbers;
}

double LearningRateOf(const OptimizerArguments& arguments) {
  return arguments.learning_rate.value_or(DefaultLearningRate(arguments.optimizer));
}

}  // namespace strop
