#include "plugin/training/loss_weight.h"

namespace strop {

double LossWeight(const LossOptions& options, const Tensor& target) {
  const double samples = static_cast<double>(target.shape().empty() ? 1 : target.shape()[0]);
  const bool has_labels =
      options.kind == LossKind::kCrossEntropy && target.type() == DataType::kInt64;
  if (!has_labels || target.element_count() == 0) return samples;
  double weight = 0;
  for (const int64_t label : target.elements<int64_t>()) {
    if (label == options.ignore_index) continue;
    weight += options.class_weights.empty() ? 1 : options.class_weights[static_cast<size_t>(label)];
  }
  return weight * samples / static_cast<double>(target.element_count());
}

}  // namespace strop
