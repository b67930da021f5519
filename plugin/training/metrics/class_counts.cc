#include "plugin/training/metrics/class_counts.h"

#include <limits>

#include "absl/strings/str_cat.h"

namespace strop {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double Divide(double numerator, double denominator) {
  return denominator == 0 ? 0 : numerator / denominator;
}

}  // namespace

void ClassCounts::Reset(bool keeps_matrix) {
  *this = ClassCounts();
  keeps_matrix_ = keeps_matrix;
}

absl::Status ClassCounts::Add(const ClassRows& rows) {
  const bool has_questions = rows.kind == ClassKind::kLabels;
  const int64_t class_count = rows.kind == ClassKind::kBinary ? 2 : rows.columns;
  counts_absent_ = has_questions;
  classes_.resize(static_cast<size_t>(class_count));
  if (keeps_matrix_ && matrix_.empty()) {
    if (class_count > kMaximumMatrixClasses) {
      return absl::InvalidArgumentError(absl::StrCat("evaluate: the confusion matrix has ",
                                                     class_count, " classes, expected at ", "most ",
                                                     kMaximumMatrixClasses, "; leave it out"));
    }
    const std::vector<int64_t> zeros(static_cast<size_t>(class_count), 0);
    matrix_.assign(static_cast<size_t>(class_count), zeros);
  }
  if (rows.kind == ClassKind::kClasses) {
    for (int64_t row = 0; row < rows.rows(); ++row) {
      Count(rows.labels[static_cast<size_t>(row)], rows.PredictedClass(row), rows.WeightOf(row));
    }
    return absl::OkStatus();
  }
  for (int64_t row = 0; row < rows.rows(); ++row) {
    const size_t first = static_cast<size_t>(row * rows.columns);
    if (!has_questions) {
      Count(rows.labels[first], rows.DecidedClass(row), rows.WeightOf(row));
      continue;
    }
    bool is_right = true;
    const double weight = rows.WeightOf(row);
    for (size_t c = 0; c < classes_.size(); ++c) {
      const bool predicted = rows.logits[first + c] > 0;
      const bool actual = rows.labels[first + c] == 1;
      classes_[c].right += actual && predicted ? weight : 0;
      classes_[c].predicted += predicted ? weight : 0;
      classes_[c].actual += actual ? weight : 0;
      is_right &= actual == predicted;
    }
    right_ += is_right ? weight : 0;
    total_ += weight;
  }
  return absl::OkStatus();
}

void ClassCounts::Count(int64_t label, int64_t predicted, double weight) {
  const double right = label == predicted ? weight : 0;
  OfClass& actual_class = classes_[static_cast<size_t>(label)];
  actual_class.right += right;
  actual_class.actual += weight;
  actual_class.is_anywhere = true;
  classes_[static_cast<size_t>(predicted)].predicted += weight;
  classes_[static_cast<size_t>(predicted)].is_anywhere = true;
  right_ += right;
  total_ += weight;
  if (keeps_matrix_) ++matrix_[static_cast<size_t>(label)][static_cast<size_t>(predicted)];
}

double ClassCounts::Averaged(Ratio ratio, Average average) const {
  if (total_ == 0) return kNothing;
  if (average == Average::kBinary) return ratio(classes_[1]);
  OfClass all;
  double sum = 0;
  double weighted_sum = 0;
  double present = 0;
  for (const OfClass& counts : classes_) {
    all.right += counts.right;
    all.predicted += counts.predicted;
    all.actual += counts.actual;
    if (!counts_absent_ && !counts.is_anywhere) continue;
    sum += ratio(counts);
    weighted_sum += ratio(counts) * counts.actual;
    present += 1;
  }
  if (average == Average::kMicro) return ratio(all);
  return average == Average::kMacro ? sum / present : Divide(weighted_sum, all.actual);
}

double ClassCounts::Accuracy() const { return right_ / total_; }

double ClassCounts::BalancedAccuracy() const {
  double sum = 0;
  double present = 0;
  for (const OfClass& counts : classes_) {
    if (counts.actual == 0) continue;
    sum += counts.right / counts.actual;
    present += 1;
  }
  return sum / present;
}

double ClassCounts::Precision(Average average) const {
  return Averaged([](const OfClass& of) { return Divide(of.right, of.predicted); }, average);
}

double ClassCounts::Recall(Average average) const {
  return Averaged([](const OfClass& of) { return Divide(of.right, of.actual); }, average);
}

double ClassCounts::F1(Average average) const {
  return Averaged([](const OfClass& of) { return Divide(2 * of.right, of.predicted + of.actual); },
                  average);
}

double ClassCounts::MeanIntersectionOverUnion() const {
  const Ratio ratio = [](const OfClass& of) {
    return Divide(of.right, of.predicted + of.actual - of.right);
  };
  return Averaged(ratio, Average::kMacro);
}

}  // namespace strop
