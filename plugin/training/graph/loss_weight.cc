#include "plugin/training/graph/loss_weight.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {

double LossWeight(const LossOptions& options, const Tensor& target,
                  absl::Span<const double> sample_weights) {
  const double samples = static_cast<double>(target.shape().empty() ? 1 : target.shape()[0]);
  const bool has_labels =
      options.kind == LossKind::kCrossEntropy && target.type() == DataType::kInt64;
  if (!has_labels || target.element_count() == 0) {
    if (sample_weights.empty()) return samples;
    return std::accumulate(sample_weights.begin(), sample_weights.end(), 0.0);
  }
  const absl::Span<const int64_t> labels = target.elements<int64_t>();
  const auto positions = static_cast<size_t>(labels.size() / static_cast<size_t>(samples));
  double weight = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == options.ignore_index) continue;
    const double of_class =
        options.class_weights.empty() ? 1 : options.class_weights[static_cast<size_t>(labels[i])];
    weight += sample_weights.empty() ? of_class : of_class * sample_weights[i / positions];
  }
  return weight * samples / static_cast<double>(target.element_count());
}

absl::Status CheckSamplesCount(const LossOptions& options, int64_t batch_size,
                               const DataSource& source, BatchReader& reader) {
  const DataField& target = source.fields().back();
  const int weights = source.FindWeights();
  const bool has_labels =
      options.kind == LossKind::kCrossEntropy && target.type == DataType::kInt64;
  if (!has_labels && weights < 0) return absl::OkStatus();
  const int64_t samples = source.sample_count();
  bool has_weight = weights < 0;
  for (int64_t begin = 0; begin < samples; begin += batch_size) {
    std::vector<int64_t> indices(static_cast<size_t>(std::min(batch_size, samples - begin)));
    std::iota(indices.begin(), indices.end(), begin);
    STROP_ASSIGN_OR_RETURN(const BatchTargets targets, reader.ReadTargets(indices));
    const std::vector<double>& read = targets.sample_weights;
    has_weight |= std::any_of(read.begin(), read.end(), [](double weight) { return weight > 0; });
    if (LossWeight(options, *targets.target, read) > 0) return absl::OkStatus();
  }
  if (!has_weight) {
    return absl::InvalidArgumentError(absl::StrCat(
        "data: \"", source.origin(), "\", \"", source.fields()[static_cast<size_t>(weights)].name,
        "\": found no weight but 0 in ", samples, " rows, expected one above 0"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", source.origin(), "\": no label counts: each is ",
                   options.ignore_index, ", which is ignored, or of a class of weight 0",
                   weights < 0 ? "" : ", or of a sample of weight 0", "; give labels, or another ",
                   "--ignore-index or --class-weights"));
}

}  // namespace strop
