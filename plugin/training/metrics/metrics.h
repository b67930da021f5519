#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "plugin/training/graph/loss.h"
#include "plugin/training/metrics/metric_table.h"
#include "plugin/training/metrics/prediction_watch.h"
#include "plugin/training/metrics/regression_watch.h"

namespace strop {

// What a metric has to know of the task.
struct MetricTask {
  LossKind loss = LossKind::kCrossEntropy;
  int64_t class_axis = 1;
  int64_t ignore_index = -100;
  std::optional<Shape> prediction;  // as far as the model says
};

// Metrics of a model's predictions, gathered batch by batch in double. Only roc_auc and
// average_precision take memory that grows with the samples (see RankedScores).
class MetricSet {
 public:
  // InvalidArgument for an unknown metric or one that does not suit the task.
  static absl::StatusOr<MetricSet> Create(const std::vector<std::string>& names,
                                          bool keeps_confusion_matrix, const MetricTask& task);

  // Has what the model predicts watched, too.
  void WatchPredictions();

  void Reset();
  // A batch of that many samples. What the loss compares: logits for the cross-entropies. Each
  // sample counts as often as its weight says, one of `sample_weights`, or once where there are
  // none; in confusion matrices, and what is watched, always once. InvalidArgument when a metric
  // does not suit a shape that the model did not tell before.
  absl::Status Update(const Tensor& prediction, const Tensor& target, int64_t sample_count,
                      absl::Span<const double> sample_weights = {});
  // Of all that was seen since Reset, by name; NaN where that is too little, or has a NaN among
  // the predictions.
  std::map<std::string, double> Values() const;
  // [classes][classes], rows the true class, columns the predicted one; empty unless kept.
  const std::vector<std::vector<int64_t>>& confusion_matrix() const {
    return gathered_.counts.matrix();
  }
  // Null unless watched, and of other losses.
  const PredictionWatch* predictions() const { return watch_ ? &*watch_ : nullptr; }
  // Null unless watched, and of the cross-entropies.
  const RegressionWatch* regression() const { return pairs_ ? &*pairs_ : nullptr; }

 private:
  MetricSet() = default;

  absl::Status CheckSuits(const Shape& prediction) const;
  bool Needs(MetricNeeds needs) const;

  MetricTask task_;
  bool keeps_confusion_matrix_ = false;
  std::vector<const MetricDefinition*> metrics_;
  std::map<std::string, TopClasses> tops_;
  GatheredMetrics gathered_;
  bool has_nan_ = false;                  // among the predictions that count
  std::optional<PredictionWatch> watch_;  // of classifications
  std::optional<RegressionWatch> pairs_;  // of others
};

}  // namespace strop
