#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/monitor/tags.h"
#include "plugin/report/extent.h"
#include "plugin/report/report_sections.h"

namespace strop {
namespace {

// Where a step lies between the ends of epochs: 1.5 is the middle of the second one.
class EpochAxis {
 public:
  explicit EpochAxis(const RecordTable& epochs) : steps_{0}, epochs_{0} {
    for (size_t i = 0; i < epochs.row_count(); ++i) {
      const auto step = static_cast<double>(epochs.steps[i]);
      if (step <= steps_.back()) continue;
      steps_.push_back(step);
      epochs_.push_back(static_cast<double>(epochs.epochs[i]));
    }
  }

  double PositionOf(double step) const {
    if (steps_.size() < 2) return step;
    const auto above = std::upper_bound(steps_.begin() + 1, steps_.end() - 1, step);
    const auto i = static_cast<size_t>(above - steps_.begin());  // behind the last: as before it
    const double share = (step - steps_[i - 1]) / (steps_[i] - steps_[i - 1]);
    return epochs_[i - 1] + share * (epochs_[i] - epochs_[i - 1]);
  }

  bool knows_epochs() const { return steps_.size() > 1; }

 private:
  std::vector<double> steps_;
  std::vector<double> epochs_;
};

std::vector<double> EpochNumbers(const RunRecords& run) {
  return {run.epochs.epochs.begin(), run.epochs.epochs.end()};
}

LineChart::Series ByEpoch(const RunRecords& run, const std::string& name,
                          const std::vector<double>& values) {
  return {name, EpochNumbers(run), values};
}

// The best epoch and where the run went on after a break.
void AddMarksOf(const RunRecords& run, const EpochAxis& axis, LineChart& chart) {
  for (const int64_t step : run.resumed_after) {
    chart.marks.push_back({axis.PositionOf(static_cast<double>(step)), "resumed"});
  }
  if (const std::optional<size_t> best = run.BestEpoch()) {
    const auto epoch = static_cast<double>(run.epochs.epochs[*best]);
    chart.marks.push_back({epoch, absl::StrCat("best: epoch ", epoch)});
  }
}

std::string GapText(const RunRecords& run, const std::vector<double>& train,
                    const std::vector<double>& validation) {
  const auto gap = [&](size_t i) { return absl::StrFormat("%.3g", validation[i] - train[i]); };
  const size_t last = validation.size() - 1;
  const std::optional<size_t> best = run.BestEpoch();
  std::string text = "Shaded: the generalization gap, validation minus training loss, ";
  if (best && *best != last) absl::StrAppend(&text, gap(*best), " at the best epoch, ");
  return absl::StrCat(text, gap(last),
                      " at the end. Training is averaged over each epoch while "
                      "the weights move.");
}

LineChart LossChart(const RunRecords& run, const std::vector<double>* train,
                    const std::vector<double>* validation, const Curve* steps) {
  const EpochAxis axis(run.epochs);
  LineChart chart;
  chart.title = "Training and validation loss";
  chart.x.title = axis.knows_epochs() ? "epoch" : "step";
  chart.y.title = "loss";
  Extent extent;
  if (train != nullptr) {
    extent.Add(*train);
    chart.series.push_back(ByEpoch(run, "training", *train));
  }
  if (validation != nullptr) {
    extent.Add(*validation);
    chart.series.push_back(ByEpoch(run, "validation", *validation));
    chart.series.back().fills_to_previous = train != nullptr;
  }
  if (steps != nullptr) {
    LineChart::Series series = {"training, single batches", {}, steps->values};
    for (const double step : steps->steps) series.x.push_back(axis.PositionOf(step));
    series.is_faint = train != nullptr;
    series.color = 0;
    extent.Add(steps->values);
    chart.series.push_back(std::move(series));
  }
  chart.y.is_log = extent.Spans(30);
  if (train != nullptr && validation != nullptr) chart.caption = GapText(run, *train, *validation);
  AddMarksOf(run, axis, chart);
  return chart;
}

// The epochs that count, in numbers.
PageTable EpochTable(const RunRecords& run) {
  PageTable table;
  table.header = {"", "epoch"};
  std::vector<const std::vector<double>*> columns;
  const auto add_column = [&](const std::string& name, const std::vector<double>* values) {
    if (values == nullptr) return;
    table.header.push_back(name);
    columns.push_back(values);
  };
  add_column("learning rate", run.epochs.Find(kEpochLearningRateTag));
  add_column("training loss", run.epochs.Find(kEpochLossTag));
  add_column("validation loss", run.epochs.Find(kValidationLossTag));
  for (const auto& [tag, values] : run.epochs.columns) {
    if (IsMetricTag(tag)) add_column(tag.substr(kValidationTag.size()), &values);
  }
  const auto add = [&](const std::string& name, size_t row) {
    std::vector<std::string>& cells = table.rows.emplace_back();
    cells = {name, absl::StrCat(run.epochs.epochs[row])};
    for (const std::vector<double>* column : columns) {
      cells.push_back(absl::StrFormat("%.5g", (*column)[row]));
    }
  };
  const size_t last = run.epochs.row_count() - 1;
  const std::optional<size_t> best = run.BestEpoch();
  if (last > 0) add(best == 0 ? "first, best" : "first", 0);
  if (best && *best > 0 && *best < last) add("best", *best);
  add(best == last ? "last, best" : "last", last);
  return table;
}

}  // namespace

void AddLoss(const RunRecords& run, Page& page) {
  page.AddSection("Loss");
  const std::vector<double>* train = run.epochs.Find(kEpochLossTag);
  const std::vector<double>* validation = run.epochs.Find(kValidationLossTag);
  const Curve* steps = run.FindCurve(kTrainLossTag);
  if (train == nullptr && validation == nullptr && steps == nullptr) {
    page.AddNotice(Page::Tone::kNeutral, "No loss was recorded: the run ended before.");
    return;
  }
  page.AddChart(Draw(LossChart(run, train, validation, steps)));
  if (validation == nullptr) {
    page.AddNotice(Page::Tone::kNeutral,
                   run.epochs.row_count() == 0
                       ? "No epoch has ended, so that there is no validation loss."
                       : "Without validation data (--validation-data, --validation-split) nothing "
                         "says how the model does on what it was not trained on.");
  }
  if (run.epochs.row_count() > 0) page.AddTable(EpochTable(run));
}

void AddMetrics(const RunRecords& run, Page& page) {
  page.AddSection("Metrics");
  LineChart shares;  // of metrics between 0 and 1
  shares.title = "Metrics of the validation data";
  shares.x.title = "epoch";
  std::vector<LineChart> others;
  for (const auto& [tag, values] : run.epochs.columns) {
    if (!IsMetricTag(tag)) continue;
    const std::string name = tag.substr(kValidationTag.size());
    LineChart::Series series = ByEpoch(run, name, values);
    Extent extent;
    extent.Add(values);
    if (extent.low >= 0 && extent.high <= 1) {
      shares.series.push_back(std::move(series));
      continue;
    }
    LineChart& chart = others.emplace_back();
    chart.title = name;
    chart.x.title = "epoch";
    chart.series = {std::move(series)};
  }
  if (shares.series.empty() && others.empty()) {
    page.AddNotice(Page::Tone::kNeutral,
                   "No metric was recorded (--metric, with validation data).");
    return;
  }
  const EpochAxis axis(run.epochs);
  std::vector<Chart> charts;
  if (!shares.series.empty()) {
    AddMarksOf(run, axis, shares);
    if (shares.series.size() == 1) shares.title = shares.series[0].name;
    page.AddChart(Draw(shares));
  }
  for (LineChart& chart : others) {
    AddMarksOf(run, axis, chart);
    charts.push_back(Draw(chart));
  }
  if (!charts.empty()) page.AddCharts(charts);
}

void AddLearningRate(const RunRecords& run, Page& page) {
  page.AddSection("Learning rate");
  const Curve* by_step = run.FindCurve(kLearningRateTag);
  const std::vector<double>* by_epoch = run.epochs.Find(kEpochLearningRateTag);
  if (by_step == nullptr && by_epoch == nullptr) {
    page.AddNotice(Page::Tone::kNeutral, "No learning rate was recorded: the run ended before.");
    return;
  }
  Extent extent;
  if (by_step != nullptr) extent.Add(by_step->values);
  if (by_epoch != nullptr) extent.Add(*by_epoch);
  if (extent.low == extent.high) {
    page.AddText(absl::StrFormat("%.6g at every step and epoch that was recorded.", extent.low));
    return;
  }
  const EpochAxis axis(run.epochs);
  LineChart chart;
  chart.title = "Learning rate";
  chart.x.title = axis.knows_epochs() ? "epoch" : "step";
  if (by_epoch != nullptr) chart.series.push_back(ByEpoch(run, "at the epoch's end", *by_epoch));
  if (by_step != nullptr) {
    LineChart::Series series = {"by step", {}, by_step->values};
    for (const double step : by_step->steps) series.x.push_back(axis.PositionOf(step));
    series.is_faint = by_epoch != nullptr;
    series.color = 0;
    chart.series.push_back(std::move(series));
  }
  for (const int64_t step : run.resumed_after) {
    chart.marks.push_back({axis.PositionOf(static_cast<double>(step)), "resumed"});
  }
  page.AddChart(Draw(chart));
}

}  // namespace strop
