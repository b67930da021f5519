// strop report: what a run folder holds, as one page.

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/study_folder.h"
#include "plugin/cli/tune_report.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"
#include "plugin/report/comparison_page.h"
#include "plugin/report/report_page.h"
#include "plugin/report/run_summary.h"

namespace strop {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct ReportArguments {
  std::vector<std::string> runs;
  std::string output;
  bool as_json = false;
};

std::string OutputOf(const ReportArguments& arguments) {
  if (!arguments.output.empty()) return arguments.output;
  return (fs::path(arguments.runs[0]) / "report.html").string();
}

// Adds the page where it goes unless told. A folder that is missing is found when it is read.
void CompletePaths(const ReportArguments& arguments, std::vector<CommandPath>& paths) {
  std::error_code ignored;
  if (!arguments.output.empty() || !fs::is_directory(arguments.runs[0], ignored)) return;
  paths.push_back({"the page", OutputOf(arguments), PathRole::kOutputFile});
}

Json NumberOf(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? Json(*number) : Json(nullptr);
}

void PrintJson(const RunRecords& run, const RunSummary& summary, const std::string& page) {
  Json line = {{"run", run.folder},
               {"status", summary.status},
               {"message", summary.message},
               {"weights", summary.weights},
               {"steps", summary.steps},
               {"epochs", summary.epochs},
               {"seconds", summary.seconds},
               {"train_loss", NumberOf(summary.last_train_loss)},
               {"validation_loss", NumberOf(summary.last_validation_loss)},
               {"best_validation_loss", NumberOf(summary.best_validation_loss)}};
  line["best_epoch"] = summary.best_epoch ? Json(*summary.best_epoch) : Json(nullptr);
  line["weights_epoch"] = summary.weights_epoch ? Json(*summary.weights_epoch) : Json(nullptr);
  line["metrics"] = Json::object();
  for (const auto& [name, value] : summary.metrics) line["metrics"][name] = NumberOf(value);
  line["samples_per_second"] = NumberOf(summary.samples_per_second);
  line["step_seconds"] = NumberOf(summary.step_seconds);
  line["peak_memory_mib"] = NumberOf(summary.peak_memory_mib);
  line["findings"] = Json::array();
  for (const auto& [step, epoch, finding] : run.All<HealthFinding>()) {
    line["findings"].push_back({{"finding", finding.finding},
                                {"epoch", epoch},
                                {"step", step},
                                {"message", finding.message}});
  }
  line["damaged_lines"] = run.damaged_lines;
  line["page"] = page;
  std::printf("%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

// The trials of a study.
absl::Status ReportStudy(const std::string& folder, const std::string& output, bool as_json) {
  STROP_ASSIGN_OR_RETURN(const StudyFolder study, ReadStudyFolder(folder));
  const TuneReport report = {study.heading.space, study.values, study.ranked,
                             study.heading.objective, study.is_higher_better};
  STROP_RETURN_IF_ERROR(TunePage(report, TrainingLosses(folder, study.ranked)).Write(output));
  if (as_json) {
    PrintJson(report);
    return absl::OkStatus();
  }
  PrintTable(report);
  std::printf("wrote %s\n", output.c_str());
  return absl::OkStatus();
}

absl::Status RunReport(const ReportArguments& arguments) {
  const bool is_one = arguments.runs.size() == 1;
  if (!is_one && arguments.output.empty()) {
    return UsageError("several runs make a page that belongs to none of them; say where with -o");
  }
  const std::string output = OutputOf(arguments);
  if (is_one && IsStudyFolder(arguments.runs[0])) {
    return ReportStudy(arguments.runs[0], output, arguments.as_json);
  }
  std::vector<RunRecords> runs;
  for (const std::string& folder : arguments.runs) {
    STROP_ASSIGN_OR_RETURN(runs.emplace_back(), ReadRunRecords(folder));
  }
  const Page page = is_one ? ReportPage(runs[0]) : ComparisonPage(runs);
  STROP_RETURN_IF_ERROR(page.Write(output));
  for (const RunRecords& run : runs) {
    const RunSummary summary = Summarize(run);
    if (arguments.as_json) {
      PrintJson(run, summary, output);
    } else {
      const std::string name = is_one ? "" : run.folder + ": ";
      std::printf("%s%s\n", name.c_str(), StatusText(summary).c_str());
    }
  }
  if (!arguments.as_json) std::printf("wrote %s\n", output.c_str());
  return absl::OkStatus();
}

}  // namespace

Command ReportCommand() {
  const auto arguments = std::make_shared<ReportArguments>();
  Command command{
      .name = "report",
      .help = "What the folder of a run or a study holds, as one page",
      .footer =
          "Example:\n"
          "  strop train model.onnx --data train.npz --validation-split 0.2 --loss cross_entropy "
          "\\\n"
          "      --epochs 10 --run-directory runs/first -o tuned.onnx\n"
          "  strop report runs/first\n"
          "  strop report runs/first runs/second -o comparison.html",
      .run = [arguments] { return RunReport(*arguments); },
      .complete_paths =
          [arguments](std::vector<CommandPath>& paths) { CompletePaths(*arguments, paths); }};
  command.options->Add(
      {{.name = "RUN",
        .target = &arguments->runs,
        .path = PathRole::kInputRun,
        .is_repeated = true,
        .takes_words = true,
        .is_required = true,
        .help = "Folder that --run-directory of strop train has filled, or that of strop tune; "
                "several runs are compared"},
       OptionalOutput(arguments->output, "Where the page goes; by default RUN/report.html"),
       {.name = "json",
        .target = &arguments->as_json,
        .help = "Print the run's summary, or the trials, as JSON lines"}});
  return command;
}

}  // namespace strop
