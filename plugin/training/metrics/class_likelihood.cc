#include "plugin/training/metrics/class_likelihood.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace strop {
namespace {

double Clipped(double log_probability) {
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  return std::clamp(log_probability, std::log(kEpsilon), std::log1p(-kEpsilon));
}

// ln(1 / (1 + exp(−logit)))
double LogSigmoid(double logit) {
  return std::min(logit, 0.0) - std::log1p(std::exp(-std::abs(logit)));
}

// Calls add(target, ln(probability)) for every answer of a row.
template <typename Adder>
void ForEachAnswer(const ClassRows& rows, int64_t row, const Adder& add) {
  const auto columns = static_cast<size_t>(rows.columns);
  const size_t first = static_cast<size_t>(row) * columns;
  const double* logits = &rows.logits[first];
  if (rows.kind != ClassKind::kClasses) {
    for (size_t i = 0; i < columns; ++i) {
      const double target = rows.probabilities.empty() ? static_cast<double>(rows.labels[first + i])
                                                       : rows.probabilities[first + i];
      add(target, LogSigmoid(logits[i]));
      add(1 - target, LogSigmoid(-logits[i]));
    }
    return;
  }
  const double largest = *std::max_element(logits, logits + columns);
  double sum = 0;
  for (size_t c = 0; c < columns; ++c) sum += std::exp(logits[c] - largest);
  const double normalizer = largest + std::log(sum);
  if (rows.probabilities.empty()) {
    add(1, logits[rows.labels[static_cast<size_t>(row)]] - normalizer);
    return;
  }
  for (size_t c = 0; c < columns; ++c) add(rows.probabilities[first + c], logits[c] - normalizer);
}

}  // namespace

double CrossEntropyOf(const ClassRows& rows, int64_t row) {
  double sum = 0;
  ForEachAnswer(rows, row, [&sum](double target, double log_probability) {
    if (target != 0) sum -= target * log_probability;
  });
  return sum;
}

void ClassLikelihood::Add(const ClassRows& rows) {
  const double answers = rows.kind == ClassKind::kClasses ? 1 : static_cast<double>(rows.columns);
  for (int64_t row = 0; row < rows.rows(); ++row) {
    const double weight = rows.WeightOf(row);
    ForEachAnswer(rows, row, [this, weight](double target, double log_probability) {
      if (target == 0 || weight == 0) return;
      clipped_ -= weight * target * Clipped(log_probability);
      sum_ -= weight * target * log_probability;
    });
    count_ += weight * answers;
  }
}

double ClassLikelihood::Perplexity() const { return std::exp(sum_ / count_); }

void TopClasses::Add(const ClassRows& rows) {
  for (int64_t row = 0; row < rows.rows(); ++row) {
    const double* logits = &rows.logits[static_cast<size_t>(row * rows.columns)];
    const int64_t label = rows.labels[static_cast<size_t>(row)];
    int64_t before = 0;
    for (int64_t c = 0; c < rows.columns; ++c) {
      before += logits[c] > logits[label] || (logits[c] == logits[label] && c > label);
    }
    right_ += before < k_ ? rows.WeightOf(row) : 0;
    total_ += rows.WeightOf(row);
  }
}

}  // namespace strop
