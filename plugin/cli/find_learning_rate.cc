// strop find-learning-rate: the learning rate range test.

#include "plugin/operations/find_learning_rate.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/cli/terminal/text_curve.h"
#include "plugin/options/outcome.h"
#include "plugin/report/range_test_page.h"

namespace strop {
namespace {

void PrintCurve(const RangeTestCurve& curve) {
  const std::vector<RangeTestPoint>& points = curve.points();
  if (points.empty()) return;
  const LossRange range = RangeToShow(curve);
  TextCurve text;
  text.low = range.low;
  text.high = range.high;
  for (const RangeTestPoint& point : points) {
    if (curve.suggestions() && point.learning_rate == curve.suggestions()->suggestion()) {
      text.marked = static_cast<int>(text.values.size());
    }
    text.values.push_back(point.smoothed_loss);
  }
  text.first_label = absl::StrFormat("%.3g", points.front().learning_rate);
  text.last_label = absl::StrFormat("%.3g", points.back().learning_rate);
  std::printf("smoothed loss by learning rate\n%s", Draw(text).c_str());
}

absl::Status RunFind(const FindLearningRateOptions& options, bool as_json) {
  STROP_ASSIGN_OR_RETURN(const RangeTestFinding finding, FindLearningRate(options, ShouldStop));
  if (as_json) {
    PrintJsonLine(ToJson(finding));
    return finding.verdict;
  }
  PrintCurve(finding.curve);
  STROP_RETURN_IF_ERROR(finding.verdict);
  const RangeTestSuggestions& found = *finding.curve.suggestions();
  std::printf(
      "suggestion: --learning-rate %.3g, the middle of the fall (steepest at %.3g, "
      "minimum/10 %.3g)\n",
      found.suggestion(), found.steep, found.minimum);
  return absl::OkStatus();
}

}  // namespace

Command FindLearningRateCommand() {
  const auto options = std::make_shared<FindLearningRateOptions>();
  options->train.model.listener = options->train.data.listener = TerminalListener();
  Command command{
      .name = kFindLearningRate.name,
      .help = kFindLearningRate.help,
      .footer =
          "The options of train that shape a step mean the same here; give those that you will "
          "train with. The model stays as it is.\n"
          "Example: strop find-learning-rate model.onnx --data train.npz --loss cross_entropy "
          "--optimizer adamw"};
  AddFindLearningRateOptions(*command.options, *options);
  Option json = JsonOption(command, "Suggestions and curve as a JSON line");
  json.is_common = true;
  command.options->AddBehind("page", {std::move(json)});
  command.run = [options, as_json = command.as_json] { return RunFind(*options, *as_json); };
  return command;
}

}  // namespace strop
