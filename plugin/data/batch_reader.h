#pragma once

#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/data_source.h"

namespace strop {

// What a batch's loss is made of besides the model's outputs.
struct BatchTargets {
  const Tensor* target = nullptr;      // [samples, …]
  std::vector<double> sample_weights;  // [samples]; empty where the data have none
};

// Those of a batch of a source that is bound to a model (BindToModel).
absl::StatusOr<BatchTargets> TargetsOf(const DataSource& source, absl::Span<const Tensor> batch);

// Reads batches into buffers that it keeps, one set per batch size.
class BatchReader {
 public:
  explicit BatchReader(DataSource& source) : source_(source) {}

  // The samples' fields in the source's order; valid until the next Read of as many samples.
  absl::StatusOr<absl::Span<const Tensor>> Read(absl::Span<const int64_t> indices);
  // As Read, augmented as DataSource::ReadAugmented.
  absl::StatusOr<absl::Span<const Tensor>> ReadAugmented(absl::Span<const int64_t> indices,
                                                         const AugmentationKey& key);
  // The samples' targets and weights alone; valid until the next call.
  absl::StatusOr<BatchTargets> ReadTargets(absl::Span<const int64_t> indices);

 private:
  std::vector<Tensor>& BufferFor(size_t sample_count);
  absl::StatusOr<Tensor> ReadField(size_t field, absl::Span<const int64_t> indices);

  DataSource& source_;
  std::map<size_t, std::vector<Tensor>> buffers_;
  Tensor targets_;
};

}  // namespace strop
