// strop evaluate: loss and metrics of a model on data.

#include "plugin/operations/evaluate.h"

#include <cstdio>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/options/metric_options.h"

namespace strop {
namespace {

void PrintText(const EvaluationOutcome& outcome) {
  const EvaluationResult& result = outcome.result;
  std::printf("loss %.9g\n", result.loss);
  for (const auto& [name, value] : result.metrics) {
    std::printf("%s %.6g\n", name.c_str(), value);
  }
  std::printf("samples %lld\n", static_cast<long long>(result.sample_count));
  if (result.confusion_matrix.empty()) return;
  std::printf("%s", ConfusionMatrixTable(result.confusion_matrix, outcome.classes).c_str());
}

absl::Status RunEvaluate(const EvaluateOptions& options, bool as_json) {
  STROP_ASSIGN_OR_RETURN(const EvaluationOutcome outcome, Evaluate(options));
  if (as_json) {
    PrintJsonLine(ToJson(outcome));
  } else {
    PrintText(outcome);
  }
  return absl::OkStatus();
}

}  // namespace

Command EvaluateCommand() {
  const auto options = std::make_shared<EvaluateOptions>();
  options->model.listener = options->data.listener = TerminalListener();
  Command command{.name = kEvaluate.name,
                  .help = kEvaluate.help,
                  .footer =
                      "Example: strop evaluate model.onnx --data test.npz --loss "
                      "cross_entropy --metric accuracy"};
  AddEvaluateOptions(*command.options, *options);
  command.options->AddBehind("confusion-matrix", {JsonOption(command, "As a JSON line")});
  command.run = [options, as_json = command.as_json] { return RunEvaluate(*options, *as_json); };
  return command;
}

}  // namespace strop
