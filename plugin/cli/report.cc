// strop report: what a run folder holds, as one page.

#include "plugin/operations/report.h"

#include <cstdio>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/table.h"

namespace strop {
namespace {

void PrintText(const Report& report) {
  if (report.study) PrintTable(TrialTable(*report.study));
  for (size_t i = 0; i < report.runs.size(); ++i) {
    const std::string name = report.runs.size() == 1 ? "" : report.runs[i].folder + ": ";
    std::printf("%s%s\n", name.c_str(), StatusText(report.summaries[i]).c_str());
  }
  std::printf("wrote %s\n", report.page.c_str());
}

absl::Status RunReport(const ReportOptions& options, bool as_json) {
  STROP_ASSIGN_OR_RETURN(const Report report, MakeReport(options));
  if (as_json) {
    PrintJsonLines(ToJson(report));
  } else {
    PrintText(report);
  }
  return absl::OkStatus();
}

}  // namespace

Command ReportCommand() {
  const auto options = std::make_shared<ReportOptions>();
  Command command{
      .name = kReport.name,
      .help = kReport.help,
      .footer =
          "Example:\n"
          "  strop train model.onnx --data train.npz --validation-split 0.2 --loss cross_entropy "
          "\\\n"
          "      --epochs 10 --run-directory runs/first -o tuned.onnx\n"
          "  strop report runs/first\n"
          "  strop report runs/first runs/second -o comparison.html",
      .complete_paths = [options](std::vector<CommandPath>& paths) {
        CompleteReportPaths(*options, paths);
      }};
  AddReportOptions(*command.options, *options);
  command.options->AddBehind(
      "output", {JsonOption(command, "Print the run's summary, or the trials, as JSON lines")});
  command.run = [options, as_json = command.as_json] { return RunReport(*options, *as_json); };
  return command;
}

}  // namespace strop
