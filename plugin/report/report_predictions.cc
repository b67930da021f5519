#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/report/extent.h"
#include "plugin/report/report_sections.h"

namespace strop {
namespace {

constexpr size_t kMostNumbers = 30;  // classes, up to which cells show their counts
constexpr size_t kMostConfusions = 10;

Chart ConfusionChart(const ConfusionMatrix& matrix, int64_t epoch) {
  HeatMap map;
  map.title = "Confusion matrix";
  map.caption = absl::StrCat("Validation data after epoch ", epoch,
                             ". A row is a true class, a column what it was taken for.");
  map.x_title = "predicted";
  map.y_title = "true";
  map.value_title = "samples";
  map.x_labels = map.y_labels = matrix.labels;
  for (const std::vector<int64_t>& row : matrix.counts) {
    map.values.insert(map.values.end(), row.begin(), row.end());
  }
  map.scale = HeatMap::Scale::kAmount;
  map.shows_values = matrix.labels.size() <= kMostNumbers;
  return Draw(map);
}

struct Confusion {
  size_t actual = 0;
  size_t predicted = 0;
  int64_t count = 0;
};

PageTable ConfusionTable(const ConfusionMatrix& matrix) {
  std::vector<Confusion> confusions;
  for (size_t i = 0; i < matrix.counts.size(); ++i) {
    for (size_t j = 0; j < matrix.counts.size(); ++j) {
      if (i != j && matrix.counts[i][j] > 0) confusions.push_back({i, j, matrix.counts[i][j]});
    }
  }
  std::stable_sort(confusions.begin(), confusions.end(),
                   [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
  if (confusions.size() > kMostConfusions) confusions.resize(kMostConfusions);
  PageTable table = {
      "Most frequent mistakes", {"true", "taken for", "samples", "of its class"}, {}};
  for (const Confusion& confusion : confusions) {
    const std::vector<int64_t>& row = matrix.counts[confusion.actual];
    const auto all = static_cast<double>(std::accumulate(row.begin(), row.end(), int64_t{0}));
    table.rows.push_back(
        {matrix.labels[confusion.actual], matrix.labels[confusion.predicted],
         absl::StrCat(confusion.count),
         absl::StrFormat("%.1f %%", 100 * static_cast<double>(confusion.count) / all)});
  }
  return table;
}

void AddConfusion(const RunRecords& run, Page& page) {
  const auto& confusion = run.best_confusion ? run.best_confusion : run.last_confusion;
  if (!confusion) {
    page.AddNotice(Page::Tone::kNeutral,
                   "No confusion matrix was recorded: it takes validation data, a cross-entropy "
                   "with one label a sample, at most 100 classes, and the monitor.");
    return;
  }
  page.AddChart(ConfusionChart(confusion->content, confusion->epoch));
  const PageTable table = ConfusionTable(confusion->content);
  if (table.rows.empty()) {
    page.AddText("No sample was taken for another class.");
  } else {
    page.AddTable(table);
  }
}

void AddWorstExamples(const WorstExamples& worst, int64_t epoch, Page& page) {
  page.AddText(
      absl::StrCat("The samples of the validation data with the highest losses after epoch ", epoch,
                   ": look whether the label is right before you blame the model."));
  std::vector<PageImage> images;
  PageTable table = {"Highest losses", {"sample", "true", "predicted", "loss"}, {}};
  for (const WorstExamples::Example& example : worst.examples) {
    const std::string loss = absl::StrFormat("%.4g", example.loss);
    table.rows.push_back({absl::StrCat(example.sample), example.label, example.predicted, loss});
    if (example.png.empty()) continue;
    const std::string predicted =
        example.predicted == example.label
            ? absl::StrCat(example.label, ", as predicted")
            : absl::StrCat(example.label, ", predicted ", example.predicted);
    images.push_back(
        {example.png, absl::StrCat(predicted, "; loss ", loss, ", sample ", example.sample)});
  }
  if (images.empty()) {
    page.AddTable(table);
  } else {
    page.AddImages(images);
  }
}

std::string OutputName(const RegressionPairs& pairs, size_t i) {
  return pairs.outputs.size() == 1 ? "samples" : absl::StrCat("output ", pairs.outputs[i]);
}

Chart RegressionChart(const RegressionPairs& pairs, int64_t epoch) {
  LineChart chart;
  chart.title = "Predicted against true";
  chart.caption = absl::StrCat("Validation data after epoch ", epoch, ", ", pairs.samples.size(),
                               " samples. On the dashed line a prediction is exact.");
  chart.x.title = "true";
  chart.y.title = "predicted";
  chart.has_equal_scales = true;
  Extent extent;
  for (size_t i = 0; i < pairs.outputs.size(); ++i) {
    LineChart::Series series = {OutputName(pairs, i), pairs.truths[i], pairs.predicted[i]};
    series.style = LineChart::Style::kPoints;
    for (size_t j = 0; j < pairs.samples.size(); ++j) {
      series.labels.push_back(absl::StrFormat("sample %d: true %.5g, predicted %.5g",
                                              pairs.samples[j], series.x[j], series.y[j]));
    }
    extent.Add(pairs.truths[i]);
    extent.Add(pairs.predicted[i]);
    chart.series.push_back(std::move(series));
  }
  if (extent.low <= extent.high) {
    LineChart::Series exact = {"exact", {extent.low, extent.high}, {extent.low, extent.high}};
    exact.style = LineChart::Style::kDashed;
    exact.color = 7;
    chart.series.push_back(std::move(exact));
  }
  Chart drawn = Draw(chart);
  drawn.height_rem = 30;
  return drawn;
}

PageTable LargestErrors(const RegressionPairs& pairs) {
  struct Miss {
    size_t output;
    size_t sample;
    double error;
  };
  std::vector<Miss> misses;
  for (size_t i = 0; i < pairs.outputs.size(); ++i) {
    for (size_t j = 0; j < pairs.samples.size(); ++j) {
      const double error = pairs.predicted[i][j] - pairs.truths[i][j];
      if (std::isfinite(error)) misses.push_back({i, j, error});
    }
  }
  std::stable_sort(misses.begin(), misses.end(), [](const Miss& a, const Miss& b) {
    return std::abs(a.error) > std::abs(b.error);
  });
  if (misses.size() > kMostConfusions) misses.resize(kMostConfusions);
  PageTable table = {
      "Largest errors of these", {"sample", "output", "true", "predicted", "error"}, {}};
  for (const auto& [output, sample, error] : misses) {
    table.rows.push_back({absl::StrCat(pairs.samples[sample]), absl::StrCat(pairs.outputs[output]),
                          absl::StrFormat("%.5g", pairs.truths[output][sample]),
                          absl::StrFormat("%.5g", pairs.predicted[output][sample]),
                          absl::StrFormat("%+.3g", error)});
  }
  return table;
}

}  // namespace

void AddPredictions(const RunRecords& run, Page& page) {
  page.AddSection("Predictions");
  if (const auto* regression = run.Last<PredictedAgainstTrue>()) {
    page.AddChart(RegressionChart(regression->content.pairs, regression->epoch));
    page.AddTable(LargestErrors(regression->content.pairs));
    return;
  }
  AddConfusion(run, page);
  if (const auto* worst = run.Last<WorstExamples>()) {
    AddWorstExamples(worst->content, worst->epoch, page);
  } else {
    page.AddNotice(Page::Tone::kNeutral,
                   "No worst examples were recorded: they take validation data, a cross-entropy "
                   "with one label a sample, and the monitor.");
  }
}

}  // namespace strop
