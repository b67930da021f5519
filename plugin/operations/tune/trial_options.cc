#include "plugin/cli/trial_options.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/command_line.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"

namespace strop {
namespace {

// The options of `strop train` that may differ from trial to trial, and what they write into.
struct TrialOptionSet {
  TrainOptions values;
  OptionSet all;
  std::vector<const Option*> options;

  TrialOptionSet() {
    AddTrainOptions(all, values);
    for (const Option& option : all.options()) {
      if (!option.is_set_by_tuner) options.push_back(&option);
    }
  }
};

}  // namespace

void AddTrainOptionsTo(OptionSet& set, TrainOptions& train) {
  OptionSet all;
  AddTrainOptions(all, train);
  train.set = &set;
  for (Option& option : all.options()) {
    if (option.is_set_by_tuner) continue;
    option.suits = {};
    option.needs.clear();
    option.excludes.clear();
    const std::string group = option.group;
    set.Add(group, {std::move(option)});
  }
}

std::vector<std::string> TrainWords(const OptionSet& set) {
  const TrialOptionSet trial;
  std::vector<std::string> words;
  for (const Option* known : trial.options) {
    const Option& option = set.at(known->name);
    for (const std::string& text : option.given) {
      words.push_back(option.LongName());
      if (!option.is_switch()) words.push_back(text);
    }
  }
  return words;
}

absl::StatusOr<TrialSettings> CheckTrainWords(const std::vector<std::string>& words) {
  TrainOptions options;
  Command train{.name = "train"};
  AddTrainOptions(*train.options, options);
  STROP_RETURN_IF_ERROR(ParseOptions(train, words));
  const OptionSet& set = *train.options;
  TrialSettings settings;
  settings.epochs = options.epochs;
  settings.has_validation = set.IsGiven("validation-data") || set.IsGiven("validation-split");
  settings.restores_best = options.export_weights.empty()
                               ? set.IsGiven("early-stopping") && !options.no_restore_best
                               : options.export_weights == "best";
  settings.min_delta = options.min_delta;
  return settings;
}

absl::StatusOr<std::vector<std::string>> SearchedWords(const SearchDimension& dimension,
                                                       const std::string& value) {
  const TrialOptionSet trial;
  std::vector<std::string> names;
  for (const Option* option : trial.options) {
    names.push_back(option->name);
    if (option->name != dimension.option) continue;
    if (!option->is_switch()) return std::vector<std::string>{option->LongName(), value};
    if (value == "true") return std::vector<std::string>{option->LongName()};
    if (value == "false") return std::vector<std::string>{};
    return UsageError(absl::StrCat("search ", option->name, ": found ", value,
                                   ", expected true or false: it is a switch"));
  }
  return UsageError(absl::StrCat("search ", dimension.option,
                                 ": strop train has no such option to search",
                                 DidYouMean(dimension.option, names)));
}

}  // namespace strop
