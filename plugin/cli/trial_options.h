#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugin/tune/search_space.h"

namespace strop {

// Adds the options of `strop train`, but those that a tuner sets itself, to another command; what
// is typed for them is appended to `words`, as it was typed.
void AddTrainOptionsTo(CLI::App& app, std::vector<std::string>& words);

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
