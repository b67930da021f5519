#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugin/options/table/option_set.h"
#include "plugin/options/train_arguments.h"
#include "plugin/tune/search_space.h"

namespace strop {

// Adds the options of `strop train`, but those that a tuner sets itself, to another command, where
// they write into `train`; which of them go together is seen trial by trial.
void AddTrainOptionsTo(OptionSet& set, TrainOptions& train);

// An option of `strop train` and a text that it is given; without one a switch, which is on.
struct GivenOption {
  std::string name;
  std::optional<std::string> text;
};

// What was given for the options of `strop train`.
std::vector<GivenOption> GivenTrainOptions(const OptionSet& set);

// The same as words of a command line.
std::vector<std::string> WordsOf(const std::vector<GivenOption>& options);

// What a tuner has to know of a training's options.
struct TrialSettings {
  int64_t epochs = 1;
  bool has_validation = false;
  bool restores_best = false;  // ends with the weights of its best validation loss
  double min_delta = 0;
};

// Reads the options as `strop train` would. UsageError with what it would say.
absl::StatusOr<TrialSettings> CheckTrainOptions(const std::vector<GivenOption>& options);

// A searched option with its value; nothing for a switch that is off. UsageError for an option that
// `strop train` does not have or that is not for searching.
absl::StatusOr<std::optional<GivenOption>> SearchedOption(const SearchDimension& dimension,
                                                          const std::string& value);

}  // namespace strop
