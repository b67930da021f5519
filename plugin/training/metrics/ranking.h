#pragma once

#include <cstdint>
#include <vector>

#include "plugin/training/metrics/class_rows.h"

namespace strop {

// Metrics of how well scores order the samples, each of which counts as often as it weighs. They
// need every score at once: 9 bytes per sample and class are kept until Reset, and 8 per sample that
// has a weight.
class RankedScores {
 public:
  void Reset();
  void Add(const ClassRows& rows);

  // Area under the receiver operating characteristic; of several classes, or questions, the mean
  // of each against the rest, on probabilities. NaN while a class has no positive or no negative
  // sample, unless its weight is 0; scikit-learn's roc_auc_score(multi_class="ovr").
  double AreaUnderCurve(bool is_weighted) const;
  // Σ (R[n] − R[n−1]) · P[n] over the thresholds n; without a positive sample 0, as scikit-learn's
  // average_precision_score. Averaged as above.
  double AveragePrecision(bool is_weighted) const;

 private:
  struct Column {
    std::vector<double> scores;
    std::vector<char> is_positive;
  };
  using OfColumn = double (*)(const Column& column, const std::vector<double>& weights);

  // `weights` of the samples, empty for ones.
  static double ColumnAreaUnderCurve(const Column& column, const std::vector<double>& weights);
  static double ColumnAveragePrecision(const Column& column, const std::vector<double>& weights);
  double Averaged(OfColumn metric, bool is_weighted) const;

  std::vector<Column> columns_;  // one for two classes and for one question
  std::vector<double> weights_;  // [samples], or none
};

}  // namespace strop
