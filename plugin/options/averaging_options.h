#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/optimization/averaging.h"

namespace strop {

// Averages of the weights as typed. What was not typed keeps its default.
struct AveragingArguments {
  std::optional<double> ema_decay;
  std::optional<int64_t> swa_start;
  std::optional<double> swa_learning_rate;
  std::optional<int64_t> swa_anneal_epochs;
  std::optional<std::string> swa_anneal_strategy;  // cos, linear
};

void AddAveragingOptions(OptionSet& options, AveragingArguments& arguments);

// A usage error where options do not belong together or a value makes no sense.
absl::StatusOr<AveragingOptions> AveragingOptionsOf(const AveragingArguments& arguments);

}  // namespace strop
