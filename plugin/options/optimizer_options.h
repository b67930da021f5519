#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/optimization/optimizer.h"
#include "plugin/training/optimization/sharpness.h"

namespace strop {

// The optimizer as typed. What was not typed keeps the default of the kind.
struct OptimizerArguments {
  std::string optimizer = "adamw";
  std::optional<double> learning_rate;
  std::map<std::string, std::optional<double>> numbers;  // by the option's name
  std::map<std::string, bool> flags;
  double clip_norm = 0;
  double clip_value = 0;
};

void AddOptimizerOptions(OptionSet& options, OptimizerArguments& arguments);
void AddSharpnessOptions(OptionSet& options, SharpnessOptions& sharpness);

absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(const OptimizerArguments& arguments);

// The numbers that the options' optimizer has, by the names of the options that set them:
// "weight-decay" and such, in the order of --help.
std::vector<std::pair<std::string, double>> OptimizerNumbers(const OptimizerOptions& options);

// The learning rate as typed, or the optimizer's own.
double LearningRateOf(const OptimizerArguments& arguments);

}  // namespace strop
