#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/training/metrics/class_counts.h"
#include "plugin/training/metrics/class_likelihood.h"
#include "plugin/training/metrics/ranking.h"
#include "plugin/training/metrics/regression_errors.h"

namespace strop {

// What metrics are computed from; metrics with the same needs share it.
struct GatheredMetrics {
  ClassCounts counts;
  ClassLikelihood likelihood;
  RankedScores scores;
  RegressionErrors errors;
};

enum class MetricNeeds { kCounts, kLikelihood, kScores, kErrors };

enum class MetricSuits {
  kClassification,  // cross_entropy and binary_cross_entropy
  kOneLabel,        // either, but not several questions at once
  kTwoClasses,      // two classes or one question, of which class 1 counts
  kCrossEntropy,
  kRegression,  // every other loss
};

enum class Better { kHigher, kLower };

struct MetricDefinition {
  std::string_view name;
  std::string_view meaning;
  MetricNeeds needs;
  MetricSuits suits;
  Better better;
  double (*value)(const GatheredMetrics& gathered);
};

// Every metric but the top_K_accuracies. Names and meanings are scikit-learn's.
absl::Span<const MetricDefinition> AllMetrics();

// Null for a name that is not in the table.
const MetricDefinition* FindMetric(std::string_view name);

// K of "top_K_accuracy", from 1 on; nothing for other names.
std::optional<int64_t> TopOf(std::string_view metric);

// InvalidArgument naming every metric when `name` is none.
absl::Status CheckMetricName(std::string_view name);

// Which way a metric, or "loss", improves. InvalidArgument as CheckMetricName.
absl::StatusOr<Better> BetterOf(std::string_view metric);

// "accuracy, balanced_accuracy, …, top_K_accuracy"
std::string MetricNames();

}  // namespace strop
