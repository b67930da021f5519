#include "plugin/operations/tune/tune_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/report/extent.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;
using State = TrialRecord::State;

const std::vector<std::string>& ValuesOf(const TuneReport& report, const TrialRecord& record) {
  return report.values[static_cast<size_t>(record.trial) - 1];
}

// Pruned trials say how far they came, failed ones why.
std::string ValueText(const TrialRecord& record) {
  if (record.state == State::kFailed) return "failed";
  const std::string value = absl::StrFormat("%.6g", record.value);
  if (record.state == State::kFinished) return value;
  return absl::StrCat(value, " (stopped after epoch ", record.values.size(), ")");
}

std::vector<std::string> HeaderOf(const TuneReport& report) {
  std::vector<std::string> header = {"rank", "trial", report.objective};
  for (const SearchDimension& dimension : report.space) header.push_back(dimension.option);
  header.push_back("seconds");
  return header;
}

std::vector<std::vector<std::string>> RowsOf(const TuneReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const TrialRecord& record : report.ranked) {
    std::vector<std::string>& row = rows.emplace_back();
    row = {std::to_string(rows.size()), std::to_string(record.trial), ValueText(record)};
    const std::vector<std::string>& values = ValuesOf(report, record);
    row.insert(row.end(), values.begin(), values.end());
    row.push_back(absl::StrFormat("%.1f", record.seconds));
  }
  return rows;
}

Json OptionsOf(const std::vector<SearchDimension>& space, const std::vector<std::string>& values) {
  Json options = Json::object();
  for (size_t i = 0; i < space.size(); ++i) {
    double number = 0;
    if (absl::SimpleAtod(values[i], &number)) {
      options[space[i].option] = number;
    } else {
      options[space[i].option] = values[i];
    }
  }
  return options;
}

ParallelCoordinates::Dimension AxisOf(const TuneReport& report, size_t index) {
  const SearchDimension& dimension = report.space[index];
  ParallelCoordinates::Dimension axis;
  axis.title = dimension.option;
  axis.is_log = dimension.is_log;
  axis.categories = dimension.choices;
  for (const TrialRecord& record : report.ranked) {
    if (record.state == State::kFailed || std::isnan(record.value)) continue;
    const std::string& value = ValuesOf(report, record)[index];
    double number = 0;
    if (axis.categories.empty() && absl::SimpleAtod(value, &number)) {
      axis.values.push_back(number);
      continue;
    }
    const auto found = std::find(axis.categories.begin(), axis.categories.end(), value);
    axis.values.push_back(static_cast<double>(found - axis.categories.begin()));
  }
  return axis;
}

// A line a trial: the best in colors, all others in grey behind them.
void AddCurves(const TuneReport& report, const std::string& title,
               const std::function<std::vector<double>(const TrialRecord&)>& values_of,
               Page& page) {
  constexpr size_t kColored = 6;
  constexpr size_t kGrey = 7;
  LineChart chart;
  chart.title = title;
  chart.x.title = "epoch";
  chart.y.title = title;
  Extent extent;
  std::vector<size_t> ranks;  // the grey ones first, so that they lie behind
  for (size_t rank = kColored; rank < report.ranked.size(); ++rank) ranks.push_back(rank);
  for (size_t rank = 0; rank < std::min(kColored, report.ranked.size()); ++rank) {
    ranks.push_back(rank);
  }
  for (const size_t rank : ranks) {
    const TrialRecord& record = report.ranked[rank];
    LineChart::Series series;
    series.y = values_of(record);
    if (series.y.empty()) continue;
    for (size_t epoch = 1; epoch <= series.y.size(); ++epoch) {
      series.x.push_back(static_cast<double>(epoch));
    }
    series.name = absl::StrCat("trial ", record.trial);
    series.color = rank < kColored ? rank : kGrey;
    series.is_named = rank < kColored;
    series.is_faint = rank >= kColored;
    extent.Add(series.y);
    chart.series.push_back(std::move(series));
  }
  if (chart.series.empty()) return;
  if (report.ranked.size() > kColored) {
    chart.caption = absl::StrCat("The best ", kColored, " trials in colors, the others in grey.");
  }
  chart.y.is_log = title.ends_with("loss") && extent.Spans(30);
  page.AddChart(Draw(chart));
}

}  // namespace

std::vector<std::string> TrialParts(const TrialRecord& record,
                                    const std::vector<SearchDimension>& space,
                                    const std::vector<std::string>& values,
                                    const std::string& objective) {
  std::vector<std::string> parts = {record.state == State::kFailed
                                        ? absl::StrCat("failed: ", record.problem)
                                        : absl::StrCat(objective, " ", ValueText(record))};
  for (size_t i = 0; i < space.size(); ++i) {
    parts.push_back(absl::StrCat(space[i].option, " ", values[i]));
  }
  parts.push_back(absl::StrFormat("%.1f s", record.seconds));
  return parts;
}

std::vector<std::vector<std::string>> TrialTable(const TuneReport& report) {
  std::vector<std::vector<std::string>> rows = RowsOf(report);
  rows.insert(rows.begin(), HeaderOf(report));
  return rows;
}

Json ToJson(const TuneReport& report) {
  Json rows = Json::array();
  for (const TrialRecord& record : report.ranked) {
    Json row = {{"rank", rows.size() + 1},
                {"trial", record.trial},
                {"state", StateName(record.state)},
                {report.objective, record.value},
                {"epochs", record.values.size()},
                {"seconds", record.seconds},
                {"options", OptionsOf(report.space, ValuesOf(report, record))}};
    if (!record.problem.empty()) row["problem"] = record.problem;
    rows.push_back(std::move(row));
  }
  return rows;
}

Json TrialsJson(const std::vector<SearchDimension>& space,
                const std::vector<std::vector<std::string>>& values) {
  Json rows = Json::array();
  for (const std::vector<std::string>& trial : values) {
    rows.push_back({{"trial", rows.size() + 1}, {"options", OptionsOf(space, trial)}});
  }
  return rows;
}

Page TunePage(const TuneReport& report,
              const std::map<int64_t, std::vector<double>>& training_losses) {
  Page page("Tuning", absl::StrCat(report.ranked.size(), " trials by ", report.objective));
  ParallelCoordinates chart;
  chart.title = "Options and what they lead to";
  chart.caption = absl::StrCat("A line a trial, by the last ", report.objective, "; ",
                               report.is_higher_better ? "higher" : "lower",
                               " is better. Drag along an axis to choose some.");
  for (size_t i = 0; i < report.space.size(); ++i) chart.dimensions.push_back(AxisOf(report, i));
  chart.color_title = report.objective;
  for (const TrialRecord& record : report.ranked) {
    if (record.state == State::kFailed || std::isnan(record.value)) continue;
    chart.color.push_back(record.value);
  }
  Extent extent;
  extent.Add(chart.color);
  chart.is_color_log = extent.Spans(10);
  chart.greatest_stands_out = report.is_higher_better;
  chart.dimensions.push_back({report.objective, chart.color, {}, chart.is_color_log});
  page.AddSection("Trials");
  page.AddChart(Draw(chart));
  page.AddTable({"From the best", HeaderOf(report), RowsOf(report)});
  page.AddSection("Learning curves");
  AddCurves(
      report, report.objective, [](const TrialRecord& record) { return record.values; }, page);
  const auto training_losses_of = [&training_losses](const TrialRecord& record) {
    const auto found = training_losses.find(record.trial);
    return found == training_losses.end() ? std::vector<double>() : found->second;
  };
  if (report.objective != "train_loss") {
    AddCurves(report, "training loss", training_losses_of, page);
  }
  return page;
}

}  // namespace strop
