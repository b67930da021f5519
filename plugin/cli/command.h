#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/table/option_set.h"
#include "plugin/options/table/path_conflict.h"

namespace strop {

// One subcommand: `run` does the work once its options are given.
struct Command {
  std::string name;
  std::string help;    // one line, for the list of commands
  std::string footer;  // behind the options: examples
  std::shared_ptr<OptionSet> options = std::make_shared<OptionSet>();
  // Whether --json was given, see JsonOption.
  std::shared_ptr<bool> as_json = std::make_shared<bool>(false);
  std::function<absl::Status()> run;
  PathCompletion complete_paths;  // may be empty
};

// --json, which writes into the command.
inline Option JsonOption(const Command& command, std::string help) {
  return {.name = "json", .target = command.as_json.get(), .help = std::move(help)};
}

// One file a command.
Command TrainCommand();
Command FindLearningRateCommand();
Command EvaluateCommand();
Command PredictCommand();
Command ExportCommand();
Command RunCommand();
Command GradientCommand();
Command CheckCommand();
Command InspectCommand();
Command OpsCommand();
Command BenchmarkCommand();
Command NewCommand();
Command StudyCommand();
Command LandscapeCommand();
Command TuneCommand();
Command ReportCommand();

}  // namespace strop
