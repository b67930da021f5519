#include "plugin/operations/tune/trial_options.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
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

std::vector<GivenOption> GivenTrainOptions(const OptionSet& set) {
  const TrialOptionSet trial;
  std::vector<GivenOption> given;
  for (const Option* known : trial.options) {
    const Option& option = set.at(known->name);
    if (option.is_switch()) {
      if (option.is_given()) given.push_back({option.name, std::nullopt});
      continue;
    }
    for (const std::string& text : option.given) given.push_back({option.name, text});
  }
  return given;
}

std::vector<std::string> WordsOf(const std::vector<GivenOption>& options) {
  std::vector<std::string> words;
  for (const GivenOption& option : options) {
    words.push_back("--" + option.name);
    if (option.text) words.push_back(*option.text);
  }
  return words;
}

absl::StatusOr<TrialSettings> CheckTrainOptions(const std::vector<GivenOption>& given) {
  TrainOptions options;
  OptionSet set;
  AddTrainOptions(set, options);
  for (const Option& option : set.options()) {
    std::vector<std::string> texts;
    for (const GivenOption& one : given) {
      if (one.name == option.name) texts.push_back(one.text.value_or("true"));
    }
    STROP_RETURN_IF_ERROR(set.Give(option.name, texts));
  }
  STROP_RETURN_IF_ERROR(set.CheckTogether());
  TrialSettings settings;
  settings.epochs = options.epochs;
  settings.has_validation = set.IsGiven("validation-data") || set.IsGiven("validation-split");
  settings.restores_best = options.export_weights.empty()
                               ? set.IsGiven("early-stopping") && !options.no_restore_best
                               : options.export_weights == "best";
  settings.min_delta = options.min_delta;
  return settings;
}

absl::StatusOr<std::optional<GivenOption>> SearchedOption(const SearchDimension& dimension,
                                                          const std::string& value) {
  const TrialOptionSet trial;
  std::vector<std::string> names;
  for (const Option* option : trial.options) {
    names.push_back(option->name);
    if (option->name != dimension.option) continue;
    if (!option->is_switch()) return GivenOption{option->name, value};
    if (value == "true") return GivenOption{option->name, std::nullopt};
    if (value == "false") return std::nullopt;
    return UsageError(absl::StrCat("search ", option->name, ": found ", value,
                                   ", expected true or false: it is a switch"));
  }
  return UsageError(absl::StrCat("search ", dimension.option,
                                 ": strop train has no such option to search",
                                 DidYouMean(dimension.option, names)));
}

}  // namespace strop
