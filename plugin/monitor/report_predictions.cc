#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/monitor/report_sections.h"

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
  PageTable table = {"Most frequent mistakes", {"true", "taken for", "samples", "of its class"}, {}};
  for (const Confusion& confusion : confusions) {
    const std::vector<int64_t>& row = matrix.counts[confusion.actual];
    const auto all = static_cast<double>(std::accumulate(row.begin(), row.end(), int64_t{0}));
    table.rows.push_back({matrix.labels[confusion.actual], matrix.labels[confusion.predicted],
                          absl::StrCat(confusion.count),
                          absl::StrFormat("%.1f %%", 100 * static_cast<double>(confusion.count) / all)});
  }
  return table;
}

}  // namespace

void AddPredictions(const RunRecords& run, Page& page) {
  page.AddSection("Predictions");
  const auto& confusion = run.best_confusion ? run.best_confusion : run.last_confusion;
  if (!confusion) {
    page.AddNotice(Page::Tone::kNeutral,
                   "No confusion matrix was recorded: it takes validation data, a cross-entropy "
                   "with one label a sample, and at most 100 classes.");
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

}  // namespace strop
