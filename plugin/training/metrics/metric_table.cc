#include "plugin/training/metrics/metric_table.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

using Gathered = GatheredMetrics;

template <Average kAverage>
double Precision(const Gathered& gathered) {
  return gathered.counts.Precision(kAverage);
}

template <Average kAverage>
double Recall(const Gathered& gathered) {
  return gathered.counts.Recall(kAverage);
}

template <Average kAverage>
double F1(const Gathered& gathered) {
  return gathered.counts.F1(kAverage);
}

constexpr auto kCounts = MetricNeeds::kCounts;
constexpr auto kLikelihood = MetricNeeds::kLikelihood;
constexpr auto kScores = MetricNeeds::kScores;
constexpr auto kErrors = MetricNeeds::kErrors;
constexpr auto kClassification = MetricSuits::kClassification;
constexpr auto kOneLabel = MetricSuits::kOneLabel;
constexpr auto kTwoClasses = MetricSuits::kTwoClasses;
constexpr auto kCrossEntropy = MetricSuits::kCrossEntropy;
constexpr auto kRegression = MetricSuits::kRegression;
constexpr auto kHigher = Better::kHigher;
constexpr auto kLower = Better::kLower;

constexpr MetricDefinition kMetrics[] = {
    {"accuracy", "share of right answers; of several labels, of samples with all of them right",
     kCounts, kClassification, kHigher, [](const Gathered& g) { return g.counts.Accuracy(); }},
    {"balanced_accuracy", "mean recall of the classes", kCounts, kOneLabel, kHigher,
     [](const Gathered& g) { return g.counts.BalancedAccuracy(); }},
    {"precision", "share of true ones among those predicted", kCounts, kTwoClasses, kHigher,
     Precision<Average::kBinary>},
    {"precision_macro", "mean of the classes", kCounts, kClassification, kHigher,
     Precision<Average::kMacro>},
    {"precision_micro", "of all classes' sums", kCounts, kClassification, kHigher,
     Precision<Average::kMicro>},
    {"precision_weighted", "mean weighted by the classes' shares", kCounts, kClassification,
     kHigher, Precision<Average::kWeighted>},
    {"recall", "share of those found among the true ones", kCounts, kTwoClasses, kHigher,
     Recall<Average::kBinary>},
    {"recall_macro", "mean of the classes", kCounts, kClassification, kHigher,
     Recall<Average::kMacro>},
    {"recall_micro", "of all classes' sums", kCounts, kClassification, kHigher,
     Recall<Average::kMicro>},
    {"recall_weighted", "mean weighted by the classes' shares", kCounts, kClassification, kHigher,
     Recall<Average::kWeighted>},
    {"f1", "harmonic mean of precision and recall", kCounts, kTwoClasses, kHigher,
     F1<Average::kBinary>},
    {"f1_macro", "mean of the classes", kCounts, kClassification, kHigher, F1<Average::kMacro>},
    {"f1_micro", "of all classes' sums", kCounts, kClassification, kHigher, F1<Average::kMicro>},
    {"f1_weighted", "mean weighted by the classes' shares", kCounts, kClassification, kHigher,
     F1<Average::kWeighted>},
    {"mean_iou", "mean intersection over union of the classes", kCounts, kClassification, kHigher,
     [](const Gathered& g) { return g.counts.MeanIntersectionOverUnion(); }},
    {"roc_auc", "area under the ROC curve, each class against the rest", kScores, kClassification,
     kHigher, [](const Gathered& g) { return g.scores.AreaUnderCurve(false); }},
    {"roc_auc_weighted", "weighted by the classes' shares", kScores, kClassification, kHigher,
     [](const Gathered& g) { return g.scores.AreaUnderCurve(true); }},
    {"average_precision", "area under precision and recall", kScores, kClassification, kHigher,
     [](const Gathered& g) { return g.scores.AveragePrecision(false); }},
    {"average_precision_weighted", "weighted by the classes' shares", kScores, kClassification,
     kHigher, [](const Gathered& g) { return g.scores.AveragePrecision(true); }},
    {"log_loss", "mean of -ln(probability of the truth)", kLikelihood, kClassification, kLower,
     [](const Gathered& g) { return g.likelihood.LogLoss(); }},
    {"perplexity", "exp of the same", kLikelihood, kCrossEntropy, kLower,
     [](const Gathered& g) { return g.likelihood.Perplexity(); }},
    {"mae", "mean absolute error", kErrors, kRegression, kLower,
     [](const Gathered& g) { return g.errors.MeanAbsoluteError(); }},
    {"rmse", "root of the mean squared error", kErrors, kRegression, kLower,
     [](const Gathered& g) { return g.errors.RootMeanSquaredError(); }},
    {"r2", "share of the variance that is explained", kErrors, kRegression, kHigher,
     [](const Gathered& g) { return g.errors.R2(); }},
};

}  // namespace

absl::Span<const MetricDefinition> AllMetrics() { return kMetrics; }

const MetricDefinition* FindMetric(std::string_view name) {
  for (const MetricDefinition& metric : kMetrics) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

std::optional<int64_t> TopOf(std::string_view metric) {
  constexpr std::string_view kBefore = "top_";
  constexpr std::string_view kBehind = "_accuracy";
  if (!metric.starts_with(kBefore) || !metric.ends_with(kBehind)) return std::nullopt;
  if (metric.size() <= kBefore.size() + kBehind.size()) return std::nullopt;
  const std::string digits(
      metric.substr(kBefore.size(), metric.size() - kBefore.size() - kBehind.size()));
  int64_t k = 0;
  if (!absl::SimpleAtoi(digits, &k) || k < 1) return std::nullopt;
  return k;
}

absl::Status CheckMetricName(std::string_view name) {
  if (FindMetric(name) != nullptr || TopOf(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("evaluate: unknown metric \"", std::string(name),
                                                 "\", expected one of ", MetricNames()));
}

absl::StatusOr<Better> BetterOf(std::string_view metric) {
  if (metric == "loss") return Better::kLower;
  STROP_RETURN_IF_ERROR(CheckMetricName(metric));
  const MetricDefinition* definition = FindMetric(metric);
  return definition == nullptr ? Better::kHigher : definition->better;
}

std::string MetricNames() {
  std::string names;
  for (const MetricDefinition& metric : kMetrics) {
    absl::StrAppend(&names, std::string(metric.name), ", ");
  }
  return names + "top_K_accuracy";
}

}  // namespace strop
