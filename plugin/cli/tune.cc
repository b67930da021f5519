// strop tune: trains many times with other options and keeps the best model.

#include "plugin/operations/tune/tune.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/progress_bar.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/table.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {
namespace {

void PrintTrial(const std::vector<std::string>& parts) {
  ClearProgress();
  std::fprintf(stderr, "%s\n", WrappedLine(parts, TerminalColumns()).c_str());
}

// What a study would try, in the order of the trials.
void PrintTrials(const TuneReport& report) {
  for (size_t trial = 0; trial < report.values.size(); ++trial) {
    std::string line = absl::StrCat("trial ", trial + 1);
    for (size_t i = 0; i < report.space.size(); ++i) {
      absl::StrAppend(&line, "  --", report.space[i].option, " ", report.values[trial][i]);
    }
    std::printf("%s\n", line.c_str());
  }
}

absl::Status RunTune(const TuneOptions& options, bool as_json) {
  STROP_ASSIGN_OR_RETURN(const TuneOutcome outcome,
                         Tune(options, {.on_trial = PrintTrial, .should_stop = ShouldStop}));
  if (as_json) {
    PrintJsonLines(ToJson(outcome));
  } else if (options.dry_run) {
    PrintTrials(outcome.report);
  } else {
    PrintTable(TrialTable(outcome.report));
    std::printf("wrote %s, the model of trial %lld\n", options.output.c_str(),
                static_cast<long long>(outcome.best_trial));
  }
  return absl::OkStatus();
}

}  // namespace

Command TuneCommand() {
  const auto options = std::make_shared<TuneOptions>();
  options->trial.model.listener = TerminalListener();
  std::error_code ignored;
  options->program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  Command command{
      .name = kTune.name,
      .help = kTune.help,
      .footer =
          "Takes the options of strop train as well, for all trials.\n"
          "Example: strop tune model.onnx --data train.npz --validation-split 0.25 --epochs 3 "
          "--search learning-rate=log:1e-4:1e-1 --search optimizer=sgd,adamw --strategy sobol "
          "--trials 4 -o best.onnx"};
  AddTuneOptions(*command.options, *options);
  command.options->AddBehind("dry-run",
                             {JsonOption(command, "A JSON line a trial, the best first")});
  command.run = [options, as_json = command.as_json] { return RunTune(*options, *as_json); };
  return command;
}

}  // namespace strop
