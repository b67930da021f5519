#include <cmath>

#include "absl/strings/str_cat.h"
#include "plugin/monitor/tags.h"
#include "plugin/report/report_sections.h"
#include "plugin/report/run_summary.h"

namespace strop {
namespace {

void AddMarksOf(const RunRecords& run, LineChart& chart) {
  for (const int64_t step : run.resumed_after) {
    chart.marks.push_back({static_cast<double>(step), "resumed"});
  }
}

Chart CurveChart(const RunRecords& run, const std::string& title, const std::string& caption,
                 const Curve& curve) {
  LineChart chart;
  chart.title = title;
  chart.caption = caption;
  chart.x.title = "step";
  chart.series = {{title, curve.steps, curve.values}};
  AddMarksOf(run, chart);
  return Draw(chart);
}

Chart MemoryChart(const RunRecords& run, const Curve* resident, const Curve& peak) {
  LineChart chart;
  chart.title = "Memory of the process";
  chart.x.title = "step";
  chart.y.title = "MiB";
  if (resident != nullptr) chart.series.push_back({"resident", resident->steps, resident->values});
  chart.series.push_back({"peak", peak.steps, peak.values, LineChart::Style::kDashed});
  AddMarksOf(run, chart);
  return Draw(chart);
}

// What of an epoch's time went into validation.
Chart EpochTimeChart(const RunRecords& run, const std::vector<double>& whole,
                     const std::vector<double>* validation) {
  constexpr size_t kMostBars = 60;
  std::vector<double> training = whole;
  for (size_t i = 0; validation != nullptr && i < training.size(); ++i) {
    training[i] -= std::isfinite((*validation)[i]) ? (*validation)[i] : 0;
  }
  const std::string title = "Seconds an epoch";
  if (whole.size() > kMostBars) {
    LineChart chart;
    chart.title = title;
    chart.x.title = "epoch";
    const std::vector<double> epochs(run.epochs.epochs.begin(), run.epochs.epochs.end());
    chart.series.push_back({"training", epochs, training});
    if (validation != nullptr) chart.series.push_back({"validation", epochs, *validation});
    return Draw(chart);
  }
  BarChart chart;
  chart.title = title;
  chart.category_title = "epoch";
  chart.is_stacked = true;
  for (const int64_t epoch : run.epochs.epochs) chart.categories.push_back(absl::StrCat(epoch));
  chart.series.push_back({"training", training, {}});
  if (validation != nullptr) chart.series.push_back({"validation", *validation, {}});
  return Draw(chart);
}

}  // namespace

void AddTime(const RunRecords& run, Page& page) {
  page.AddSection("Time and memory");
  std::vector<Chart> charts;
  if (const Curve* seconds = run.FindCurve(kStepSecondsTag)) {
    charts.push_back(CurveChart(run, "Seconds a step",
                                "Of the steps since the record before, validation left out.",
                                *seconds));
  }
  if (const Curve* throughput = run.FindCurve(kThroughputTag)) {
    charts.push_back(CurveChart(run, "Samples a second", "", *throughput));
  }
  if (const std::vector<double>* whole = run.epochs.Find(kEpochSecondsTag)) {
    charts.push_back(EpochTimeChart(run, *whole, run.epochs.Find(kValidationSecondsTag)));
  }
  if (const Curve* peak = run.FindCurve(kPeakMemoryTag)) {
    charts.push_back(MemoryChart(run, run.FindCurve(kResidentMemoryTag), *peak));
  }
  if (charts.empty()) {
    page.AddNotice(Page::Tone::kNeutral,
                   "No step was recorded: the run has fewer than --log-every.");
    return;
  }
  page.AddCharts(charts);
}

void AddSetting(const RunRecords& run, Page& page) {
  page.AddSection("How it was run");
  if (run.start.command.empty()) {
    page.AddNotice(Page::Tone::kNeutral, "The records do not hold the command.");
  } else {
    page.AddCode(run.start.command);
  }
  PageTable table = {"Environment", {"what", "value"}, {}};
  for (const auto& [name, value] : run.start.environment) table.rows.push_back({name, value});
  if (!table.rows.empty()) page.AddTable(table);
  if (run.config.empty()) {
    page.AddNotice(Page::Tone::kNeutral, "The folder holds no config.toml.");
  } else {
    page.AddText("All options, as config.toml has them:");
    page.AddCode(run.config);
  }
}

}  // namespace strop
