#pragma once

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

// What was given for the options of `strop train`, as its words.
std::vector<std::string> TrainWords(const OptionSet& set);

// What a tuner has to know of a training's options.
struct TrialSettings {
  int64_t epochs = 1;
  bool has_validation = false;
  bool restores_best = false;  // ends with the weights of its best validation loss
  double min_delta = 0;
};

// Parses the words behind `strop train` as that command would. UsageError with what it would say.
absl::StatusOr<TrialSettings> CheckTrainWords(const std::vector<std::string>& words);

// The words that give a searched option a value: none or the name alone for a flag.
// UsageError for an option that `strop train` does not have or that is not for searching.
absl::StatusOr<std::vector<std::string>> SearchedWords(const SearchDimension& dimension,
                                                       const std::string& value);

}  // namespace strop
