#include "plugin/training/metrics/class_probabilities.h"

#include <algorithm>
#include <cmath>

#include "absl/types/span.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

void Softmax(absl::Span<double> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double& number : logits) sum += number = std::exp(number - largest);
  for (double& number : logits) number /= sum;
}

// 1 / (1 + exp(−logit)), without overflow.
double Sigmoid(double logit) {
  const double small = std::exp(-std::abs(logit));
  return (logit < 0 ? small : 1) / (1 + small);
}

}  // namespace

absl::StatusOr<ClassProbabilities> ProbabilitiesOf(const Tensor& logits, const ClassAxis& classes) {
  ClassProbabilities probabilities;
  probabilities.kind = classes.kind;
  probabilities.columns = classes.columns;
  STROP_ASSIGN_OR_RETURN(probabilities.values, RowsOfClasses(logits, classes));
  if (classes.kind != ClassKind::kClasses) {
    for (double& number : probabilities.values) number = Sigmoid(number);
    return probabilities;
  }
  for (int64_t row = 0; row < probabilities.rows(); ++row) {
    Softmax(absl::MakeSpan(&probabilities.values[static_cast<size_t>(row * classes.columns)],
                           static_cast<size_t>(classes.columns)));
  }
  return probabilities;
}

}  // namespace strop
