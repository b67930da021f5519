// strop study: what textbooks say, measured.

#include "plugin/operations/study.h"

#include <cstdio>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {
namespace {

absl::Status PrintStudies(const StudyOptions& options, bool as_json) {
  StudyCallbacks callbacks;
  callbacks.on_study = [as_json](const StudyRun& run) {
    ClearProgress();
    if (as_json) {
      PrintJsonLine(ToJson(run));
    } else {
      std::printf("%s", StudyText(*run.study, run.result).c_str());
    }
    std::fflush(stdout);
  };
  callbacks.should_stop = ShouldStop;
  STROP_RETURN_IF_ERROR(RunStudies(options, callbacks).status());
  if (!options.output.empty() && !as_json) std::printf("wrote %s\n", options.output.c_str());
  return absl::OkStatus();
}

}  // namespace

Command StudyCommand() {
  const auto options = std::make_shared<StudyOptions>();
  options->model.listener = options->data.listener = TerminalListener();
  Command command{.name = kStudy.name,
                  .help = kStudy.help,
                  .footer = "Example: strop study optimizers -o optimizers.html"};
  AddStudyOptions(*command.options, *options);
  command.options->AddBehind("seeds", {JsonOption(command, "A JSON line a study")});
  command.run = [options, as_json = command.as_json] { return PrintStudies(*options, *as_json); };
  return command;
}

}  // namespace strop
