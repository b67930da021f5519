#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/operations/tune/tune_report.h"
#include "plugin/report/run_records.h"
#include "plugin/report/run_summary.h"

namespace strop {

inline constexpr OperationTitle kReport = {
    "report", "What the folder of a run or a study holds, as one page"};

struct ReportOptions {
  std::vector<std::string> runs;  // folders
  std::string output;             // .html; empty: report.html in the folder
};

void AddReportOptions(OptionSet& set, ReportOptions& options);

// Adds the page where it goes unless told.
void CompleteReportPaths(const ReportOptions& options, std::vector<CommandPath>& paths);

// What went into a page: runs, or the trials of a study.
struct Report {
  std::string page;
  std::vector<RunRecords> runs;
  std::vector<RunSummary> summaries;  // of each
  std::optional<TuneReport> study;
};

absl::StatusOr<Report> MakeReport(const ReportOptions& options);

// An array: a run's summary or a trial each.
nlohmann::ordered_json ToJson(const Report& report);

Operation ReportOperation();

}  // namespace strop
