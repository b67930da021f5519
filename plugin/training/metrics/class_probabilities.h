#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/training/metrics/class_rows.h"

namespace strop {

// What a classification believes of a batch, sample after sample, position after position in each.
struct ClassProbabilities {
  ClassKind kind = ClassKind::kClasses;
  int64_t columns = 1;
  std::vector<double> values;  // [rows, columns]: of kClasses each row sums to 1

  int64_t rows() const { return static_cast<int64_t>(values.size()) / columns; }
  const double* row(int64_t index) const { return &values[static_cast<size_t>(index * columns)]; }
};

// The softmax of logits along their class axis, or of yes and no the sigmoid of each, in double.
absl::StatusOr<ClassProbabilities> ProbabilitiesOf(const Tensor& logits, const ClassAxis& classes);

}  // namespace strop
