#pragma once

#include <functional>
#include <memory>
#include <string>
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
  std::function<absl::Status()> run;
  // Adds the paths that no option names, as a file beside the output; may be empty.
  std::function<void(std::vector<CommandPath>&)> complete_paths;
};

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
