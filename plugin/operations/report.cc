#include "plugin/operations/report.h"

#include <cmath>
#include <filesystem>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/operations/tune/study_folder.h"
#include "plugin/options/outcome.h"
#include "plugin/report/comparison_page.h"
#include "plugin/report/report_page.h"

namespace strop {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string OutputOf(const ReportOptions& options) {
  if (!options.output.empty()) return options.output;
  return (fs::path(options.runs[0]) / "report.html").string();
}

Json NumberOf(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? Json(*number) : Json(nullptr);
}

Json RunJson(const RunRecords& run, const RunSummary& summary, const std::string& page) {
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
  return line;
}

// The trials of a study.
absl::StatusOr<TuneReport> ReportStudy(const std::string& folder, const std::string& output) {
  STROP_ASSIGN_OR_RETURN(const StudyFolder study, ReadStudyFolder(folder));
  TuneReport report = {study.heading.space, study.values, study.ranked, study.heading.objective,
                       study.is_higher_better};
  STROP_RETURN_IF_ERROR(TunePage(report, TrainingLosses(folder, study.ranked)).Write(output));
  return report;
}

}  // namespace

void AddReportOptions(OptionSet& set, ReportOptions& options) {
  set.Add({{.name = "RUN",
            .target = &options.runs,
            .path = PathRole::kInputRun,
            .is_repeated = true,
            .takes_words = true,
            .is_required = true,
            .help = "Folder that --run-directory of strop train has filled, or that of strop tune; "
                    "several runs are compared"},
           OptionalOutput(options.output, "Where the page goes; by default RUN/report.html")});
}

// A folder that is missing is found when it is read.
void CompleteReportPaths(const ReportOptions& options, std::vector<CommandPath>& paths) {
  std::error_code ignored;
  if (!options.output.empty() || !fs::is_directory(options.runs[0], ignored)) return;
  paths.push_back({"the page", OutputOf(options), PathRole::kOutputFile});
}

absl::StatusOr<Report> MakeReport(const ReportOptions& options) {
  const bool is_one = options.runs.size() == 1;
  if (!is_one && options.output.empty()) {
    return UsageError("several runs make a page that belongs to none of them; say where with -o");
  }
  Report report;
  report.page = OutputOf(options);
  if (is_one && IsStudyFolder(options.runs[0])) {
    STROP_ASSIGN_OR_RETURN(report.study, ReportStudy(options.runs[0], report.page));
    return report;
  }
  for (const std::string& folder : options.runs) {
    STROP_ASSIGN_OR_RETURN(report.runs.emplace_back(), ReadRunRecords(folder));
  }
  const Page page = is_one ? ReportPage(report.runs[0]) : ComparisonPage(report.runs);
  STROP_RETURN_IF_ERROR(page.Write(report.page));
  for (const RunRecords& run : report.runs) report.summaries.push_back(Summarize(run));
  return report;
}

Json ToJson(const Report& report) {
  if (report.study) return ToJson(*report.study);
  Json rows = Json::array();
  for (size_t i = 0; i < report.runs.size(); ++i) {
    rows.push_back(RunJson(report.runs[i], report.summaries[i], report.page));
  }
  return rows;
}

Operation ReportOperation() {
  Operation operation(kReport);
  const auto options = std::make_shared<ReportOptions>();
  AddReportOptions(*operation.options, *options);
  operation.run = [options](const OperationCallbacks&) -> absl::StatusOr<Json> {
    STROP_ASSIGN_OR_RETURN(const Report report, MakeReport(*options));
    return ToJson(report);
  };
  operation.complete_paths = [options](std::vector<CommandPath>& paths) {
    CompleteReportPaths(*options, paths);
  };
  return operation;
}

}  // namespace strop
