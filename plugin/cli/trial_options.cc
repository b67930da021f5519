#include "plugin/cli/trial_options.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "plugin/cli/command.h"
#include "plugin/options/outcome.h"
#include "plugin/options/parser/nearest_name.h"
#include "plugin/options/parser/parse_problem.h"
#include "plugin/options/parser/path_option.h"

namespace strop {
namespace {

// What a tuner sets itself, or what would make trials meet in one place.
constexpr std::string_view kOwn[] = {"help",
                                     "output",
                                     "json",
                                     "log-every",
                                     "dump",
                                     "threads",
                                     "config",
                                     "run-directory",
                                     "resume",
                                     "dry-run",
                                     "parent-process",
                                     "monitor",
                                     "no-monitor",
                                     "hyperparameters",
                                     "histogram-every",
                                     "checkpoint-every",
                                     "keep",
                                     "lora-export"};

bool IsForTrials(const CLI::Option& option) {
  const std::vector<std::string>& names = option.get_lnames();
  if (names.empty()) return false;  // MODEL
  return std::find(std::begin(kOwn), std::end(kOwn), names[0]) == std::end(kOwn);
}

bool IsFlag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

// A `strop train` of its own, to ask and to try.
struct TrainProgram {
  CLI::App program{"", "strop"};
  const Command command = AddTrainCommand(program);  // owns what the options write to
  CLI::App* train = command.app;
};

}  // namespace

void AddTrainOptionsTo(CLI::App& app, std::vector<std::string>& words) {
  TrainProgram source;
  for (CLI::Option* option : source.train->get_options()) {
    if (!IsForTrials(*option)) continue;
    const std::string name = "--" + option->get_lnames()[0];
    CLI::Option* added = nullptr;
    if (IsFlag(*option)) {
      const auto take = [&words, name](std::int64_t) { words.push_back(name); };
      added = app.add_flag_function(name, take, option->get_description());
    } else {
      const auto take = [&words, name](const std::vector<std::string>& values) {
        for (const std::string& value : values) {
          words.push_back(name);
          words.push_back(value);
        }
      };
      added =
          app.add_option_function<std::vector<std::string>>(name, take, option->get_description());
      added->allow_extra_args(false)->type_name(option->get_type_name());
      added->delimiter(option->get_delimiter());
      if (const auto role = PathRoleOf(*option)) added->check(IsPath(*role));
      added->default_str(option->get_default_str());
    }
    added->required(option->get_required())->group(option->get_group());
  }
}

absl::StatusOr<TrialSettings> CheckTrainWords(const std::vector<std::string>& words) {
  TrainProgram checked;
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  reversed.emplace_back("train");
  try {
    checked.program.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return UsageError(ParseProblem(*checked.train, error));
  }
  TrialSettings settings;
  const CLI::App& train = *checked.train;
  settings.epochs = train["--epochs"]->as<int64_t>();
  settings.has_validation =
      train["--validation-data"]->count() > 0 || train["--validation-split"]->count() > 0;
  const CLI::Option* export_weights = train["--export"];
  settings.restores_best =
      export_weights->count() > 0
          ? export_weights->as<std::string>() == "best"
          : train["--early-stopping"]->count() > 0 && train["--no-restore-best"]->count() == 0;
  if (train["--min-delta"]->count() > 0) settings.min_delta = train["--min-delta"]->as<double>();
  return settings;
}

absl::StatusOr<std::vector<std::string>> SearchedWords(const SearchDimension& dimension,
                                                       const std::string& value) {
  TrainProgram source;
  std::vector<std::string> names;
  for (const CLI::Option* option : source.train->get_options()) {
    if (!IsForTrials(*option)) continue;
    const std::string& name = option->get_lnames()[0];
    names.push_back(name);
    if (name != dimension.option) continue;
    if (!IsFlag(*option)) return std::vector<std::string>{"--" + name, value};
    if (value == "true") return std::vector<std::string>{"--" + name};
    if (value == "false") return std::vector<std::string>{};
    return UsageError(absl::StrCat("search ", name, ": found ", value,
                                   ", expected true or false: it is a switch"));
  }
  return UsageError(absl::StrCat("search ", dimension.option,
                                 ": strop train has no such option to search",
                                 DidYouMean(dimension.option, names)));
}

}  // namespace strop
