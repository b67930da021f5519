#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor.h"
#include "plugin/training/graph/loss.h"

namespace strop {

// What the logits of a classification say.
enum class ClassKind {
  kClasses,  // one of several classes, cross_entropy
  kBinary,   // one question, yes or no: binary_cross_entropy on a single column
  kLabels,   // several such questions at once: binary_cross_entropy on several columns
};

// A batch of a classification as samples one after the other, wherever its tensors have the class
// axis. What ignore_index marks is left out.
struct ClassRows {
  ClassKind kind = ClassKind::kClasses;
  int64_t columns = 1;                // classes or questions
  std::vector<double> logits;         // [rows, columns]
  std::vector<int64_t> labels;        // kClasses: [rows]; else 0 or 1, [rows, columns]
  std::vector<double> probabilities;  // of the targets, [rows, columns]; empty when labels say all
  std::vector<int64_t> positions;     // [rows], each one's place in the batch
  int64_t position_count = 0;         // of the batch, those that are ignored included
  std::vector<double> weights;        // [rows], each one's sample's; empty: 1

  int64_t rows() const { return static_cast<int64_t>(logits.size()) / columns; }
  double WeightOf(int64_t row) const {
    return weights.empty() ? 1 : weights[static_cast<size_t>(row)];
  }
  // The first of the largest logits of a row.
  int64_t PredictedClass(int64_t row) const;
  // The same; of one question, whether its logit says yes.
  int64_t DecidedClass(int64_t row) const;
};

// The class axis of a prediction of that shape: for binary_cross_entropy axis 1, or a further one
// of length 1 when there is none.
struct ClassAxis {
  ClassKind kind = ClassKind::kClasses;
  int64_t axis = 1;
  int64_t columns = 1;  // kUnknownDimension while unknown
};
ClassAxis ClassAxisOf(const Shape& prediction, LossKind loss, int64_t class_axis);

// The numbers of a tensor with a class axis as [rows, columns].
absl::StatusOr<std::vector<double>> RowsOfClasses(const Tensor& tensor, const ClassAxis& classes);

// `target` as the cross-entropies take it: labels, or probabilities in the prediction's shape.
// Labels of probabilities are the most probable class, or what lies above one half. The positions
// of samples, each of which may have one of `sample_weights`, lie one after the other.
absl::StatusOr<ClassRows> MakeClassRows(const Tensor& prediction, const Tensor& target,
                                        const ClassAxis& classes, int64_t ignore_index,
                                        absl::Span<const double> sample_weights = {});

}  // namespace strop
