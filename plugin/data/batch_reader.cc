#include "plugin/data/batch_reader.h"

#include "graph/status_macros.h"
#include "importer/mapped_file.h"

namespace strop {

absl::StatusOr<BatchTargets> TargetsOf(const DataSource& source, absl::Span<const Tensor> batch) {
  BatchTargets targets;
  targets.target = &batch.back();
  const int weights = source.FindWeights();
  if (weights < 0) return targets;
  STROP_ASSIGN_OR_RETURN(targets.sample_weights,
                         NumericElements(batch[static_cast<size_t>(weights)]));
  return targets;
}

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

absl::StatusOr<Tensor> BatchReader::ReadField(size_t field, absl::Span<const int64_t> indices) {
  const DataField& found = source_.fields()[field];
  Shape shape = found.shape;
  shape.insert(shape.begin(), static_cast<int64_t>(indices.size()));
  Tensor values(found.type, std::move(shape));
  STROP_RETURN_IF_ERROR(source_.ReadField(field, indices, values));
  STROP_RETURN_IF_ERROR(CheckMappedFiles());
  return values;
}

absl::StatusOr<BatchTargets> BatchReader::ReadTargets(absl::Span<const int64_t> indices) {
  STROP_ASSIGN_OR_RETURN(targets_, ReadField(source_.fields().size() - 1, indices));
  BatchTargets targets;
  targets.target = &targets_;
  const int weights = source_.FindWeights();
  if (weights < 0) return targets;
  STROP_ASSIGN_OR_RETURN(const Tensor read, ReadField(static_cast<size_t>(weights), indices));
  STROP_ASSIGN_OR_RETURN(targets.sample_weights, NumericElements(read));
  return targets;
}

}  // namespace strop
