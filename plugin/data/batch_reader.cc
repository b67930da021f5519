#include "plugin/data/batch_reader.h"

#include "graph/status_macros.h"
#include "importer/mapped_file.h"

namespace strop {

std::vector<Tensor>& BatchReader::BufferFor(size_t sample_count) {
  std::vector<Tensor>& batch = buffers_[sample_count];
  if (batch.empty()) batch = source_.MakeBatch(static_cast<int64_t>(sample_count));
  return batch;
}

absl::StatusOr<absl::Span<const Tensor>> BatchReader::Cut(absl::Span<const int64_t> indices,
                                                          std::vector<Tensor>& batch) {
  STROP_RETURN_IF_ERROR(CheckMappedFiles());
  if (padding_ == nullptr) return absl::MakeConstSpan(batch);
  cut_ = padding_->Cut(indices, absl::MakeSpan(batch));
  return absl::MakeConstSpan(cut_);
}

absl::StatusOr<absl::Span<const Tensor>> BatchReader::Read(absl::Span<const int64_t> indices) {
  std::vector<Tensor>& batch = BufferFor(indices.size());
  STROP_RETURN_IF_ERROR(source_.Read(indices, absl::MakeSpan(batch)));
  return Cut(indices, batch);
}

absl::StatusOr<absl::Span<const Tensor>> BatchReader::ReadAugmented(
    absl::Span<const int64_t> indices, const AugmentationKey& key) {
  std::vector<Tensor>& batch = BufferFor(indices.size());
  STROP_RETURN_IF_ERROR(source_.ReadAugmented(indices, key, absl::MakeSpan(batch)));
  return Cut(indices, batch);
}

absl::StatusOr<const Tensor*> BatchReader::ReadTargets(absl::Span<const int64_t> indices) {
  const size_t field = source_.fields().size() - 1;  // behind the inputs
  const DataField& target = source_.fields()[field];
  Shape shape = target.shape;
  shape.insert(shape.begin(), static_cast<int64_t>(indices.size()));
  targets_ = Tensor(target.type, std::move(shape));
  STROP_RETURN_IF_ERROR(source_.ReadField(field, indices, targets_));
  STROP_RETURN_IF_ERROR(CheckMappedFiles());
  return &targets_;
}

}  // namespace strop
