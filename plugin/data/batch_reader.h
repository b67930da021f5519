#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/data_source.h"
#include "plugin/data/sequence_padding.h"

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
  // With `padding`, which is of the source, batches are cut to what their samples need.
  explicit BatchReader(DataSource& source, std::shared_ptr<const SequencePadding> padding = nullptr)
      : source_(source), padding_(std::move(padding)) {}

  // The samples' fields in the source's order; valid until the next Read of as many samples.
  absl::StatusOr<absl::Span<const Tensor>> Read(absl::Span<const int64_t> indices);
  // As Read, augmented as DataSource::ReadAugmented.
  absl::StatusOr<absl::Span<const Tensor>> ReadAugmented(absl::Span<const int64_t> indices,
                                                         const AugmentationKey& key);
  // The samples' targets and weights alone, never cut; valid until the next call.
  absl::StatusOr<BatchTargets> ReadTargets(absl::Span<const int64_t> indices);

 private:
  std::vector<Tensor>& BufferFor(size_t sample_count);
  absl::StatusOr<Tensor> ReadField(size_t field, absl::Span<const int64_t> indices);
  absl::StatusOr<absl::Span<const Tensor>> Cut(absl::Span<const int64_t> indices,
                                               std::vector<Tensor>& batch);

  DataSource& source_;
  std::shared_ptr<const SequencePadding> padding_;  // null: nothing is cut
  std::map<size_t, std::vector<Tensor>> buffers_;
  std::vector<Tensor> cut_;  // in one of the buffers
  Tensor targets_;
};

}  // namespace strop
