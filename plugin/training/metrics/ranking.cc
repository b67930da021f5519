#include "plugin/training/metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace strop {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// Indices of the scores from the highest down.
std::vector<size_t> Descending(const std::vector<double>& scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t left, size_t right) { return scores[left] > scores[right]; });
  return order;
}

// Calls visit(positives, negatives) with what a group weighs, for every group of equal scores, from
// the highest down.
template <typename Visit>
void VisitTies(const std::vector<double>& scores, const std::vector<char>& is_positive,
               const std::vector<double>& weights, const Visit& visit) {
  const std::vector<size_t> order = Descending(scores);
  for (size_t begin = 0; begin < order.size();) {
    double positives = 0;
    double negatives = 0;
    size_t end = begin;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      const double weight = weights.empty() ? 1 : weights[order[end]];
      (is_positive[order[end]] != 0 ? positives : negatives) += weight;
    }
    if (positives + negatives > 0) visit(positives, negatives);
    begin = end;
  }
}

// What is no number has no rank.
bool HasNan(const std::vector<double>& scores) {
  return std::any_of(scores.begin(), scores.end(), [](double score) { return std::isnan(score); });
}

double CountPositives(const std::vector<char>& is_positive, const std::vector<double>& weights) {
  if (weights.empty()) {
    return static_cast<double>(std::count(is_positive.begin(), is_positive.end(), char{1}));
  }
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) sum += is_positive[i] != 0 ? weights[i] : 0;
  return sum;
}

}  // namespace

void RankedScores::Reset() {
  columns_.clear();
  weights_.clear();
}

void RankedScores::Add(const ClassRows& rows) {
  const bool is_binary = rows.kind == ClassKind::kClasses && rows.columns == 2;
  columns_.resize(is_binary ? 1 : static_cast<size_t>(rows.columns));
  weights_.insert(weights_.end(), rows.weights.begin(), rows.weights.end());
  std::vector<double> exponentials(static_cast<size_t>(rows.columns));
  for (int64_t row = 0; row < rows.rows(); ++row) {
    const double* logits = &rows.logits[static_cast<size_t>(row * rows.columns)];
    if (rows.kind != ClassKind::kClasses) {
      for (size_t c = 0; c < columns_.size(); ++c) {
        columns_[c].scores.push_back(logits[c]);
        columns_[c].is_positive.push_back(
            static_cast<char>(rows.labels[static_cast<size_t>(row) * columns_.size() + c]));
      }
      continue;
    }
    const int64_t label = rows.labels[static_cast<size_t>(row)];
    if (is_binary) {  // the difference orders as the probability does, and never saturates
      columns_[0].scores.push_back(logits[1] - logits[0]);
      columns_[0].is_positive.push_back(label == 1 ? 1 : 0);
      continue;
    }
    const double largest = *std::max_element(logits, logits + rows.columns);
    double sum = 0;
    for (size_t c = 0; c < columns_.size(); ++c) {
      exponentials[c] = std::exp(logits[c] - largest);
      sum += exponentials[c];
    }
    for (size_t c = 0; c < columns_.size(); ++c) {
      columns_[c].scores.push_back(exponentials[c] / sum);
      columns_[c].is_positive.push_back(label == static_cast<int64_t>(c) ? 1 : 0);
    }
  }
}

double RankedScores::ColumnAreaUnderCurve(const Column& column,
                                          const std::vector<double>& weights) {
  if (HasNan(column.scores)) return kNothing;
  double positives = 0;  // seen so far
  double negatives = 0;
  double pairs = 0;  // a positive above a negative counts 1, a tie one half
  const auto visit = [&](double more_positives, double more_negatives) {
    pairs += more_negatives * (positives + more_positives / 2);
    positives += more_positives;
    negatives += more_negatives;
  };
  VisitTies(column.scores, column.is_positive, weights, visit);
  if (positives == 0 || negatives == 0) return kNothing;
  return pairs / (positives * negatives);
}

double RankedScores::ColumnAveragePrecision(const Column& column,
                                            const std::vector<double>& weights) {
  if (HasNan(column.scores)) return kNothing;
  const double all = CountPositives(column.is_positive, weights);
  if (all == 0) return 0;
  double positives = 0;
  double seen = 0;
  double area = 0;
  const auto visit = [&](double more_positives, double more_negatives) {
    positives += more_positives;
    seen += more_positives + more_negatives;
    area += more_positives / all * (positives / seen);
  };
  VisitTies(column.scores, column.is_positive, weights, visit);
  return area;
}

double RankedScores::Averaged(OfColumn metric, bool is_weighted) const {
  if (columns_.empty() || columns_[0].scores.empty()) return kNothing;
  if (columns_.size() == 1) return metric(columns_[0], weights_);
  double sum = 0;
  double weights = 0;
  for (const Column& column : columns_) {
    const double weight = is_weighted ? CountPositives(column.is_positive, weights_) : 1;
    if (weight == 0) continue;
    sum += weight * metric(column, weights_);
    weights += weight;
  }
  return weights == 0 ? 0 : sum / weights;
}

double RankedScores::AreaUnderCurve(bool is_weighted) const {
  return Averaged(ColumnAreaUnderCurve, is_weighted);
}

double RankedScores::AveragePrecision(bool is_weighted) const {
  return Averaged(ColumnAveragePrecision, is_weighted);
}

}  // namespace strop
