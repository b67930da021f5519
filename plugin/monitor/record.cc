#include "plugin/monitor/record.h"

#include <algorithm>

namespace strop {
namespace {

template <typename Number>
bool Fits(const std::vector<std::vector<Number>>& rows, size_t row_count, size_t column_count) {
  return rows.size() == row_count &&
         std::all_of(rows.begin(), rows.end(),
                     [column_count](const auto& row) { return row.size() == column_count; });
}

}  // namespace

std::string_view Histogram::Fault() const {
  const bool fits = counts.empty() || limits.size() == counts.size() + 1;
  return fits ? "" : "limits and counts that do not fit";
}

std::string_view ConfusionMatrix::Fault() const {
  return Fits(counts, labels.size(), labels.size()) ? "" : "a matrix that is not square";
}

std::string_view WorstExamples::Fault() const {
  const bool fits = std::all_of(examples.begin(), examples.end(), [](const Example& example) {
    return example.png.empty() || (example.width > 0 && example.height > 0);
  });
  return fits ? "" : "a picture without its size";
}

std::string_view PredictedAgainstTrue::Fault() const {
  const bool fits = Fits(pairs.truths, pairs.outputs.size(), pairs.samples.size()) &&
                    Fits(pairs.predicted, pairs.outputs.size(), pairs.samples.size());
  return fits ? "" : "pairs that do not fit";
}

}  // namespace strop
