#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "plugin/training/loss.h"

namespace strop {

// A number that is gathered batch by batch.
class Metric {
 public:
  virtual ~Metric() = default;
  virtual void Reset() = 0;
  // What the loss compares: logits for the cross-entropies.
  virtual absl::Status Update(const Tensor& prediction, const Tensor& target) = 0;
  // Of all that was seen since Reset; NaN when that is nothing.
  virtual double Value() const = 0;
};

// What a metric has to know of the task.
struct MetricTask {
  LossKind loss = LossKind::kCrossEntropy;
  int64_t class_axis = 1;
  int64_t ignore_index = -100;
};

// accuracy: share of positions whose largest logit is the label's (of the most probable class for
//           soft targets), ignore_index left out; for binary_cross_entropy share of elements whose
//           logit has the sign that the target asks for. InvalidArgument with other losses.
// mae, rmse: mean absolute and root mean squared error over all elements; InvalidArgument with the
//           cross-entropies.
// InvalidArgument listing the names for another one.
absl::StatusOr<std::unique_ptr<Metric>> MakeMetric(std::string_view name, const MetricTask& task);

}  // namespace strop
