#include "plugin/training/metrics/class_rows.h"

#include <algorithm>

#include "graph/status_macros.h"

namespace strop {
namespace {

int64_t LargestOf(const double* numbers, int64_t count) {
  return std::max_element(numbers, numbers + count) - numbers;
}

// Extents before and behind an axis of a tensor [outer, columns, inner].
struct Extents {
  int64_t outer = 1;
  int64_t inner = 1;

  Extents(const Shape& shape, int64_t axis) {
    for (int64_t i = 0; i < static_cast<int64_t>(shape.size()); ++i) {
      if (i != axis) (i < axis ? outer : inner) *= shape[static_cast<size_t>(i)];
    }
  }
};

}  // namespace

int64_t ClassRows::PredictedClass(int64_t row) const {
  return LargestOf(&logits[static_cast<size_t>(row * columns)], columns);
}

int64_t ClassRows::DecidedClass(int64_t row) const {
  if (kind == ClassKind::kClasses) return PredictedClass(row);
  return logits[static_cast<size_t>(row)] > 0 ? 1 : 0;
}

ClassAxis ClassAxisOf(const Shape& prediction, LossKind loss, int64_t class_axis) {
  const auto rank = static_cast<int64_t>(prediction.size());
  ClassAxis classes;
  classes.axis = loss == LossKind::kCrossEntropy ? class_axis : std::min<int64_t>(1, rank);
  classes.columns = classes.axis < rank ? prediction[static_cast<size_t>(classes.axis)] : 1;
  if (loss != LossKind::kCrossEntropy) {
    classes.kind = classes.columns == 1 ? ClassKind::kBinary : ClassKind::kLabels;
  }
  return classes;
}

absl::StatusOr<std::vector<double>> RowsOfClasses(const Tensor& tensor, const ClassAxis& classes) {
  STROP_ASSIGN_OR_RETURN(const std::vector<double> numbers, NumericElements(tensor));
  const Extents extents(tensor.shape(), classes.axis);
  std::vector<double> rows;
  rows.reserve(numbers.size());
  for (int64_t outer = 0; outer < extents.outer; ++outer) {
    for (int64_t inner = 0; inner < extents.inner; ++inner) {
      for (int64_t column = 0; column < classes.columns; ++column) {
        rows.push_back(numbers[static_cast<size_t>(
            (outer * classes.columns + column) * extents.inner + inner)]);
      }
    }
  }
  return rows;
}

absl::StatusOr<ClassRows> MakeClassRows(const Tensor& prediction, const Tensor& target,
                                        const ClassAxis& classes, int64_t ignore_index,
                                        absl::Span<const double> sample_weights) {
  STROP_ASSIGN_OR_RETURN(const std::vector<double> logits, NumericElements(prediction));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> targets, NumericElements(target));
  const Extents extents(prediction.shape(), classes.axis);
  const int64_t columns = classes.columns;
  const bool is_soft =
      target.element_count() == prediction.element_count() && IsFloating(target.type());
  ClassRows rows;
  rows.kind = classes.kind;
  rows.columns = columns;
  rows.position_count = extents.outer * extents.inner;
  rows.logits.reserve(logits.size());
  for (int64_t outer = 0; outer < extents.outer; ++outer) {
    for (int64_t inner = 0; inner < extents.inner; ++inner) {
      const int64_t position = outer * extents.inner + inner;
      if (!is_soft) {
        const auto label = static_cast<int64_t>(targets[static_cast<size_t>(position)]);
        if (label == ignore_index) continue;
        rows.labels.push_back(label);
      }
      rows.positions.push_back(position);
      if (!sample_weights.empty()) {
        const auto samples = static_cast<int64_t>(sample_weights.size());
        const int64_t sample = position / (rows.position_count / samples);
        rows.weights.push_back(sample_weights[static_cast<size_t>(sample)]);
      }
      for (int64_t column = 0; column < columns; ++column) {
        const auto at = static_cast<size_t>((outer * columns + column) * extents.inner + inner);
        rows.logits.push_back(logits[at]);
        if (is_soft) rows.probabilities.push_back(targets[at]);
      }
      if (!is_soft) continue;
      const double* first = &rows.probabilities[rows.probabilities.size() - columns];
      if (classes.kind == ClassKind::kClasses) {
        rows.labels.push_back(LargestOf(first, columns));
        continue;
      }
      for (int64_t column = 0; column < columns; ++column) {
        rows.labels.push_back(first[column] > 0.5 ? 1 : 0);
      }
    }
  }
  return rows;
}

}  // namespace strop
