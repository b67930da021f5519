#pragma once

#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/data_source.h"

namespace strop {

// Reads batches into buffers that it keeps, one set per batch size.
class BatchReader {
 public:
  explicit BatchReader(DataSource& source) : source_(source) {}

  // The samples' fields in the source's order; valid until the next Read of as many samples.
  absl::StatusOr<absl::Span<const Tensor>> Read(absl::Span<const int64_t> indices);
  // As Read, augmented as DataSource::ReadAugmented.
  absl::StatusOr<absl::Span<const Tensor>> ReadAugmented(absl::Span<const int64_t> indices,
                                                         const AugmentationKey& key);
  // The samples' targets alone; valid until the next call.
  absl::StatusOr<const Tensor*> ReadTargets(absl::Span<const int64_t> indices);

 private:
  std::vector<Tensor>& BufferFor(size_t sample_count);

  DataSource& source_;
  std::map<size_t, std::vector<Tensor>> buffers_;
  Tensor targets_;
};

}  // namespace strop
