#include "plugin/training/class_likelihood.h"

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

}  // namespace

void ClassLikelihood::Add(const ClassRows& rows) {
  const auto add = [this](double target, double log_probability) {
    if (target == 0) return;
    clipped_ -= target * Clipped(log_probability);
    sum_ -= target * log_probability;
  };
  const auto columns = static_cast<size_t>(rows.columns);
  if (rows.kind != ClassKind::kClasses) {
    for (size_t i = 0; i < rows.logits.size(); ++i) {
      const double target =
          rows.probabilities.empty() ? static_cast<double>(rows.labels[i]) : rows.probabilities[i];
      add(target, LogSigmoid(rows.logits[i]));
      add(1 - target, LogSigmoid(-rows.logits[i]));
    }
    count_ += static_cast<double>(rows.logits.size());
    return;
  }
  for (size_t row = 0; row < rows.labels.size(); ++row) {
    const double* logits = &rows.logits[row * columns];
    const double largest = *std::max_element(logits, logits + columns);
    double sum = 0;
    for (size_t c = 0; c < columns; ++c) sum += std::exp(logits[c] - largest);
    const double normalizer = largest + std::log(sum);
    if (rows.probabilities.empty()) {
      add(1, logits[rows.labels[row]] - normalizer);
      continue;
    }
    for (size_t c = 0; c < columns; ++c) {
      add(rows.probabilities[row * columns + c], logits[c] - normalizer);
    }
  }
  count_ += static_cast<double>(rows.labels.size());
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
    right_ += before < k_;
    total_ += 1;
  }
}

}  // namespace strop
