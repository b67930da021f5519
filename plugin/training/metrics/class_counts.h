#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "plugin/training/metrics/class_rows.h"

namespace strop {

// How the ratios of several classes become one, as scikit-learn's `average` means it.
enum class Average {
  kBinary,    // of class 1 alone
  kMicro,     // of the sums over all classes
  kMacro,     // mean of the classes
  kWeighted,  // mean of the classes, weighted by how often each is true
};

// Counts of a classification: of every class how often it was right, predicted and true, each row
// as often as it weighs; and the confusion matrix, of rows, when it is asked for. A ratio whose denominator is 0 is 0, and classes that are
// neither true nor predicted anywhere count for nothing, as in scikit-learn.
class ClassCounts {
 public:
  // The widest confusion matrix that is kept.
  static constexpr int64_t kMaximumMatrixClasses = 4096;

  void Reset(bool keeps_matrix);
  // InvalidArgument when the matrix would be too wide.
  absl::Status Add(const ClassRows& rows);

  // All are NaN while nothing was counted.
  double Accuracy() const;          // of rows, right where every question of theirs is
  double BalancedAccuracy() const;  // mean recall of the classes that are true somewhere
  double Precision(Average average) const;
  double Recall(Average average) const;
  double F1(Average average) const;
  double MeanIntersectionOverUnion() const;

  // [classes][classes], rows the true class, columns the predicted one; empty unless kept.
  const std::vector<std::vector<int64_t>>& matrix() const { return matrix_; }

 private:
  struct OfClass {
    double right = 0;
    double predicted = 0;
    double actual = 0;
    bool is_anywhere = false;  // predicted or true, whatever it weighs
  };
  using Ratio = double (*)(const OfClass& counts);

  void Count(int64_t label, int64_t predicted, double weight);
  double Averaged(Ratio ratio, Average average) const;

  bool keeps_matrix_ = false;
  bool counts_absent_ = false;  // questions are averaged even when nobody ever says yes
  std::vector<OfClass> classes_;
  std::vector<std::vector<int64_t>> matrix_;
  double right_ = 0;
  double total_ = 0;
};

}  // namespace strop
