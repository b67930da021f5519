#include "plugin/training/graph/loss_weight.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

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

absl::Status CheckLabelsCount(const LossOptions& options, int64_t batch_size,
                              const DataSource& source, BatchReader& reader) {
  const DataField& target = source.fields().back();  // behind the inputs
  if (options.kind != LossKind::kCrossEntropy || target.type != DataType::kInt64) {
    return absl::OkStatus();
  }
  const int64_t samples = source.sample_count();
  for (int64_t begin = 0; begin < samples; begin += batch_size) {
    std::vector<int64_t> indices(static_cast<size_t>(std::min(batch_size, samples - begin)));
    std::iota(indices.begin(), indices.end(), begin);
    STROP_ASSIGN_OR_RETURN(const Tensor* targets, reader.ReadTargets(indices));
    if (LossWeight(options, *targets) > 0) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "data: \"", source.origin(), "\": no label counts: each is ", options.ignore_index,
      ", which is ignored, or of a class of weight 0; give labels, or another --ignore-index or "
      "--class-weights"));
}

}  // namespace strop
