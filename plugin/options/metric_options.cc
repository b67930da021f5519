#include "plugin/options/metric_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/nearest_name.h"

namespace strop {
namespace {

std::string MetricProblem(const std::string& typed) {
  if (CheckMetricName(typed).ok()) return "";
  std::vector<std::string> names;
  for (const MetricDefinition& metric : AllMetrics()) names.emplace_back(metric.name);
  names.emplace_back("top_5_accuracy");
  return absl::StrCat("found \"", typed, "\", expected one of ", MetricNames(),
                      DidYouMean(typed, names));
}

void AppendRight(std::string& line, const std::string& cell, size_t width) {
  line.append(width - std::min(width, cell.size()), ' ').append(cell);
}

}  // namespace

Option MetricOption(std::vector<std::string>& metrics) {
  return {.name = "metric",
          .target = &metrics,
          .value_name = "NAME",
          .problem = MetricProblem,
          .is_common = true,
          .help = absl::StrCat("As scikit-learn means it: ", MetricNames())};
}

std::string ConfusionMatrixTable(const std::vector<std::vector<int64_t>>& matrix,
                                 absl::Span<const std::string> class_names) {
  std::vector<std::string> names;
  size_t widest = 0;  // of the names
  for (size_t c = 0; c < matrix.size(); ++c) {
    names.push_back(c < class_names.size() ? class_names[c] : std::to_string(c));
    widest = std::max(widest, names[c].size());
  }
  const std::string corner = "true \\ predicted";
  const size_t first = std::max(widest, corner.size());
  std::vector<size_t> widths;
  std::string table;
  AppendRight(table, corner, first);
  for (size_t c = 0; c < matrix.size(); ++c) {
    size_t width = names[c].size();
    for (const std::vector<int64_t>& row : matrix) {
      width = std::max(width, std::to_string(row[c]).size());
    }
    widths.push_back(width + 2);
    AppendRight(table, names[c], widths[c]);
  }
  table += '\n';
  for (size_t row = 0; row < matrix.size(); ++row) {
    AppendRight(table, names[row], first);
    for (size_t c = 0; c < matrix.size(); ++c) {
      AppendRight(table, std::to_string(matrix[row][c]), widths[c]);
    }
    table += '\n';
  }
  return table;
}

}  // namespace strop
