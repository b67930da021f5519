// strop predict: what a model says of each sample, by name.

#include "plugin/operations/predict.h"

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {
namespace {

// The program's end tells of what is not taken.
absl::Status Print(const std::string& block) {
  std::fwrite(block.data(), 1, block.size(), stdout);
  return absl::OkStatus();
}

absl::Status RunPredict(PredictOptions& options) {
  // A bar would get in between lines on the same terminal.
  const bool prints = options.output.empty();
  if (prints && isatty(STDOUT_FILENO) != 0) options.model.listener.progress = Listener().progress;
  PredictionWriter writer(PredictionTextOf(options), Print);
  const auto add = [&writer](const Prediction& prediction) { return writer.Add(prediction); };
  STROP_RETURN_IF_ERROR(Predict(options, add).status());
  if (prints) return writer.Finish();
  std::printf("wrote %s\n", options.output.c_str());
  return absl::OkStatus();
}

}  // namespace

Command PredictCommand() {
  const auto options = std::make_shared<PredictOptions>();
  options->model.listener = options->data.listener = TerminalListener();
  Command command{
      .name = kPredict.name,
      .help = kPredict.help,
      .footer =
          "Each line names the file of its sample, or the row, counted from 0.\n"
          "Example: strop predict model.onnx --data test.npz --top-k 3 -o predictions.csv",
      .run = [options] { return RunPredict(*options); }};
  AddPredictOptions(*command.options, *options);
  return command;
}

}  // namespace strop
