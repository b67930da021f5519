// strop landscape: the loss around trained weights, as a page, pictures and numbers.

#include "plugin/operations/landscape/landscape.h"

#include <cstdio>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {
namespace {

absl::Status RunLandscape(const LandscapeArguments& arguments, bool as_json) {
  STROP_ASSIGN_OR_RETURN(const LandscapeOutcome outcome, MeasureLandscape(arguments, ShouldStop));
  if (as_json) {
    PrintJsonLine(ToJson(outcome));
    return absl::OkStatus();
  }
  std::printf("loss %.9g at the trained weights; %.9g to %.9g on the grid\n",
              outcome.landscape.center_loss, outcome.least_loss, outcome.greatest_loss);
  std::printf("wrote %s\n", outcome.page.c_str());
  return absl::OkStatus();
}

}  // namespace

Command LandscapeCommand() {
  const auto arguments = std::make_shared<LandscapeArguments>();
  arguments->model.listener = arguments->data.listener = TerminalListener();
  Command command{.name = kLandscape.name,
                  .help = kLandscape.help,
                  .footer =
                      "Examples:\n"
                      "  strop landscape tuned.onnx --data test.npz --loss cross_entropy -o "
                      "landscape.html\n"
                      "  strop landscape tuned.onnx --data test.npz --run-directory runs/sgd \\\n"
                      "      --run-directory runs/adam -o paths.html --svg paths.svg",
                  .complete_paths = [arguments](std::vector<CommandPath>& paths) {
                    CompleteLandscapePaths(*arguments, paths);
                  }};
  AddLandscapeOptions(*command.options, *arguments);
  command.options->AddBehind("directions", {JsonOption(command, "A summary as a JSON line")});
  command.run = [arguments, as_json = command.as_json] {
    return RunLandscape(*arguments, *as_json);
  };
  return command;
}

}  // namespace strop
