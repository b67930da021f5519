#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/parser/path_conflict.h"

namespace strop {

// One subcommand: its options are in `app`, `run` does the work once they are parsed.
struct Command {
  CLI::App* app = nullptr;
  std::function<absl::Status()> run;
  // Adds the paths that no option names, as a file beside the output; may be empty.
  std::function<void(std::vector<CommandPath>&)> complete_paths;
};

// Each adds its subcommand to the program; one file a command.
Command AddTrainCommand(CLI::App& program);
Command AddFindLearningRateCommand(CLI::App& program);
Command AddEvaluateCommand(CLI::App& program);
Command AddPredictCommand(CLI::App& program);
Command AddExportCommand(CLI::App& program);
Command AddRunCommand(CLI::App& program);
Command AddGradientCommand(CLI::App& program);
Command AddCheckCommand(CLI::App& program);
Command AddInspectCommand(CLI::App& program);
Command AddOpsCommand(CLI::App& program);
Command AddBenchmarkCommand(CLI::App& program);
Command AddNewCommand(CLI::App& program);
Command AddStudyCommand(CLI::App& program);
Command AddLandscapeCommand(CLI::App& program);
Command AddTuneCommand(CLI::App& program);
Command AddReportCommand(CLI::App& program);

}  // namespace strop
