#include "plugin/training/metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/training/metrics/class_rows.h"

namespace strop {
namespace {

bool IsClassification(LossKind loss) {
  return loss == LossKind::kCrossEntropy || loss == LossKind::kBinaryCrossEntropy;
}

absl::Status Unsuitable(std::string_view metric, const std::string& expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("evaluate: metric ", std::string(metric), " ", expected));
}

// The metrics that suit a loss at all.
absl::Status CheckLoss(std::string_view metric, MetricSuits suits, LossKind loss) {
  if ((suits == MetricSuits::kRegression) == IsClassification(loss)) {
    return Unsuitable(metric, IsClassification(loss)
                                  ? "does not suit the loss; expected one of classes, as accuracy"
                                  : "does not suit the loss; expected mae, rmse or r2");
  }
  if (suits == MetricSuits::kCrossEntropy && loss != LossKind::kCrossEntropy) {
    return Unsuitable(metric, "does not suit the loss, expected cross_entropy; see --loss");
  }
  return absl::OkStatus();
}

// `classes.columns` may be unknown, which suits everything.
absl::Status CheckColumns(std::string_view metric, MetricSuits suits, const ClassAxis& classes) {
  if (classes.columns == kUnknownDimension) return absl::OkStatus();
  const bool has_questions = classes.kind == ClassKind::kLabels;
  const bool is_binary = classes.kind == ClassKind::kBinary ||
                         (classes.kind == ClassKind::kClasses && classes.columns == 2);
  if (suits == MetricSuits::kTwoClasses && !is_binary) {
    const std::string name(metric);
    return Unsuitable(metric,
                      absl::StrCat("takes two classes, found ", classes.columns, "; use ", name,
                                   "_macro, ", name, "_micro or ", name, "_weighted"));
  }
  if (suits == MetricSuits::kOneLabel && has_questions) {
    return Unsuitable(metric, absl::StrCat("takes one label a sample, found ", classes.columns,
                                           "; leave it out"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MetricSet> MetricSet::Create(const std::vector<std::string>& names,
                                            bool keeps_confusion_matrix, const MetricTask& task) {
  MetricSet set;
  set.task_ = task;
  set.keeps_confusion_matrix_ = keeps_confusion_matrix;
  for (const std::string& name : names) {
    STROP_RETURN_IF_ERROR(CheckMetricName(name));
    const MetricDefinition* metric = FindMetric(name);
    const MetricSuits suits = metric == nullptr ? MetricSuits::kCrossEntropy : metric->suits;
    STROP_RETURN_IF_ERROR(CheckLoss(name, suits, task.loss));
    if (metric == nullptr) {
      set.tops_.emplace(name, TopClasses(*TopOf(name)));
    } else {
      set.metrics_.push_back(metric);
    }
  }
  if (keeps_confusion_matrix && !IsClassification(task.loss)) {
    return Unsuitable("confusion matrix", "does not suit the loss, expected a cross-entropy");
  }
  if (task.prediction) STROP_RETURN_IF_ERROR(set.CheckSuits(*task.prediction));
  set.Reset();
  return set;
}

absl::Status MetricSet::CheckSuits(const Shape& prediction) const {
  if (!IsClassification(task_.loss)) return absl::OkStatus();
  const ClassAxis classes = ClassAxisOf(prediction, task_.loss, task_.class_axis);
  for (const MetricDefinition* metric : metrics_) {
    STROP_RETURN_IF_ERROR(CheckColumns(metric->name, metric->suits, classes));
  }
  if (!keeps_confusion_matrix_) return absl::OkStatus();
  return CheckColumns("confusion matrix", MetricSuits::kOneLabel, classes);
}

bool MetricSet::Needs(MetricNeeds needs) const {
  return std::any_of(metrics_.begin(), metrics_.end(),
                     [needs](const MetricDefinition* metric) { return metric->needs == needs; });
}

void MetricSet::WatchPredictions() {
  if (!IsClassification(task_.loss)) {
    pairs_.emplace();
    return;
  }
  watch_.emplace();
  watch_->Reset();
}

void MetricSet::Reset() {
  gathered_.counts.Reset(keeps_confusion_matrix_);
  gathered_.likelihood.Reset();
  gathered_.scores.Reset();
  gathered_.errors.Reset();
  has_nan_ = false;
  for (auto& [name, top] : tops_) top.Reset();
  if (watch_) watch_->Reset();
  if (pairs_) pairs_->Reset();
}

absl::Status MetricSet::Update(const Tensor& prediction, const Tensor& target, int64_t sample_count,
                               absl::Span<const double> sample_weights) {
  if (!IsClassification(task_.loss)) {
    if (Needs(MetricNeeds::kErrors)) {
      STROP_RETURN_IF_ERROR(gathered_.errors.Add(prediction, target, sample_weights));
    }
    return pairs_ ? pairs_->Add(prediction, target, sample_count) : absl::OkStatus();
  }
  const ClassAxis classes = ClassAxisOf(prediction.shape(), task_.loss, task_.class_axis);
  const bool is_watched =
      watch_ && PredictionWatch::Watches(classes, prediction.element_count(), sample_count);
  if (metrics_.empty() && tops_.empty() && !keeps_confusion_matrix_ && !is_watched) {
    return absl::OkStatus();
  }
  STROP_RETURN_IF_ERROR(CheckSuits(prediction.shape()));
  STROP_ASSIGN_OR_RETURN(const ClassRows rows, MakeClassRows(prediction, target, classes,
                                                             task_.ignore_index, sample_weights));
  has_nan_ |= std::any_of(rows.logits.begin(), rows.logits.end(),
                          [](double logit) { return std::isnan(logit); });
  if (keeps_confusion_matrix_ || Needs(MetricNeeds::kCounts)) {
    STROP_RETURN_IF_ERROR(gathered_.counts.Add(rows));
  }
  if (Needs(MetricNeeds::kLikelihood)) gathered_.likelihood.Add(rows);
  if (Needs(MetricNeeds::kScores)) gathered_.scores.Add(rows);
  for (auto& [name, top] : tops_) top.Add(rows);
  return is_watched ? watch_->Add(rows, sample_count) : absl::OkStatus();
}

std::map<std::string, double> MetricSet::Values() const {
  std::map<std::string, double> values;
  for (const MetricDefinition* metric : metrics_) {
    values[std::string(metric->name)] = metric->value(gathered_);
  }
  for (const auto& [name, top] : tops_) values[name] = top.Accuracy();
  if (!has_nan_) return values;
  for (auto& [name, value] : values) value = std::numeric_limits<double>::quiet_NaN();
  return values;
}

}  // namespace strop
