#include "plugin/report/comparison_page.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/monitor/tags.h"
#include "plugin/report/extent.h"
#include "plugin/report/run_summary.h"

namespace strop {
namespace {

// The folders' own names, or the whole paths where these are the same.
std::vector<std::string> NamesOf(absl::Span<const RunRecords> runs) {
  std::vector<std::string> names;
  for (const RunRecords& run : runs) names.push_back(RunName(run));
  const std::set<std::string> different(names.begin(), names.end());
  if (different.size() == names.size()) return names;
  for (size_t i = 0; i < runs.size(); ++i) names[i] = runs[i].folder;
  return names;
}

std::string NumberText(const std::optional<double>& number) {
  return number ? absl::StrFormat("%.5g", *number) : "–";
}

std::string ValueText(const HyperparameterValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "yes" : "no";
  if (const auto* number = std::get_if<double>(&value)) return absl::StrFormat("%.6g", *number);
  return std::get<std::string>(value);
}

PageTable ResultTable(absl::Span<const RunRecords> runs, const std::vector<std::string>& names) {
  std::vector<RunSummary> summaries;
  std::set<std::string> metrics;
  for (const RunRecords& run : runs) {
    summaries.push_back(Summarize(run));
    for (const auto& [name, value] : summaries.back().metrics) metrics.insert(name);
  }
  PageTable table = {"Metrics of the epoch with the best validation loss; training loss at the end",
                     {"run", "best validation loss", "epoch", "training loss"},
                     {}};
  table.header.insert(table.header.end(), metrics.begin(), metrics.end());
  for (const char* column : {"epochs", "steps", "seconds", "samples/s", "MiB", "status"}) {
    table.header.emplace_back(column);
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    const RunSummary& summary = summaries[i];
    std::vector<std::string>& row = table.rows.emplace_back();
    row = {names[i], NumberText(summary.best_validation_loss),
           summary.best_epoch ? absl::StrCat(*summary.best_epoch) : "–",
           NumberText(summary.last_train_loss)};
    for (const std::string& metric : metrics) {
      const auto found = summary.metrics.find(metric);
      row.push_back(found == summary.metrics.end() ? "–" : NumberText(found->second));
    }
    row.push_back(absl::StrCat(summary.epochs));
    row.push_back(absl::StrCat(summary.steps));
    row.push_back(AmountText(summary.seconds));
    row.push_back(summary.samples_per_second ? AmountText(*summary.samples_per_second) : "–");
    row.push_back(summary.peak_memory_mib ? AmountText(*summary.peak_memory_mib) : "–");
    row.push_back(summary.status);
  }
  return table;
}

// The options that not all runs share; empty when they share all.
PageTable DifferenceTable(absl::Span<const RunRecords> runs,
                          const std::vector<std::string>& names) {
  std::map<std::string, std::vector<std::string>> options;
  for (size_t i = 0; i < runs.size(); ++i) {
    for (const auto& [name, value] : runs[i].hyperparameters) {
      std::vector<std::string>& values = options[name];
      values.resize(runs.size(), "–");
      values[i] = ValueText(value);
    }
  }
  PageTable table = {"Options in which the runs differ", {"option"}, {}};
  table.header.insert(table.header.end(), names.begin(), names.end());
  for (const auto& [name, values] : options) {
    const auto is_first = [&values](const std::string& value) { return value == values[0]; };
    if (std::all_of(values.begin(), values.end(), is_first)) continue;
    std::vector<std::string>& row = table.rows.emplace_back();
    row.push_back(name);
    row.insert(row.end(), values.begin(), values.end());
  }
  return table;
}

// A line a run, or nothing where no run has the number.
void AddByEpoch(absl::Span<const RunRecords> runs, const std::vector<std::string>& names,
                const std::string& title, std::string_view tag, Page& page) {
  LineChart chart;
  chart.title = title;
  chart.x.title = "epoch";
  Extent extent;
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::vector<double>* values = runs[i].epochs.Find(tag);
    if (values == nullptr) continue;
    const std::vector<int64_t>& epochs = runs[i].epochs.epochs;
    LineChart::Series series = {names[i], {epochs.begin(), epochs.end()}, *values};
    series.color = i;
    extent.Add(*values);
    chart.series.push_back(std::move(series));
  }
  chart.y.is_log = title.ends_with("loss") && extent.Spans(30);
  if (!chart.series.empty()) page.AddChart(Draw(chart));
}

void AddByStep(absl::Span<const RunRecords> runs, const std::vector<std::string>& names,
               const std::string& title, std::string_view tag, bool may_be_log, Page& page) {
  LineChart chart;
  chart.title = title;
  chart.x.title = "step";
  Extent extent;
  for (size_t i = 0; i < runs.size(); ++i) {
    const Curve* curve = runs[i].FindCurve(tag);
    if (curve == nullptr) continue;
    LineChart::Series series = {names[i], curve->steps, curve->values};
    series.color = i;
    extent.Add(curve->values);
    chart.series.push_back(std::move(series));
  }
  chart.y.is_log = may_be_log && extent.Spans(30);
  if (!chart.series.empty()) page.AddChart(Draw(chart));
}

}  // namespace

Page ComparisonPage(absl::Span<const RunRecords> runs) {
  const std::vector<std::string> names = NamesOf(runs);
  Page page(absl::StrCat(runs.size(), " runs"));
  page.AddSection("Results");
  page.AddTable(ResultTable(runs, names));
  const PageTable differences = DifferenceTable(runs, names);
  if (differences.rows.empty()) {
    page.AddText("The runs have the same options.");
  } else {
    page.AddTable(differences);
  }
  page.AddSection("Loss");
  AddByEpoch(runs, names, "Validation loss", kValidationLossTag, page);
  AddByEpoch(runs, names, "Training loss", kEpochLossTag, page);
  AddByStep(runs, names, "Training loss of single batches", kTrainLossTag, true, page);
  std::set<std::string> metrics;
  for (const RunRecords& run : runs) {
    for (const auto& [tag, values] : run.epochs.columns) {
      if (IsMetricTag(tag)) metrics.insert(tag);
    }
  }
  if (!metrics.empty()) page.AddSection("Metrics");
  for (const std::string& tag : metrics) {
    AddByEpoch(runs, names, tag.substr(kValidationTag.size()), tag, page);
  }
  page.AddSection("Steps");
  AddByStep(runs, names, "Learning rate", kLearningRateTag, false, page);
  AddByStep(runs, names, "Gradient norm", kGradientNormTag, true, page);
  AddByStep(runs, names, "Update to weight", kUpdateRatioTag, true, page);
  AddByStep(runs, names, "Samples a second", kThroughputTag, false, page);
  return page;
}

}  // namespace strop
