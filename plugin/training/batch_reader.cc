#include "plugin/training/batch_reader.h"

#include "graph/status_macros.h"

namespace strop {

absl::StatusOr<absl::Span<const Tensor>> BatchReader::Read(absl::Span<const int64_t> indices) {
  std::vector<Tensor>& batch = buffers_[indices.size()];
  if (batch.empty()) batch = source_.MakeBatch(static_cast<int64_t>(indices.size()));
  STROP_RETURN_IF_ERROR(source_.Read(indices, absl::MakeSpan(batch)));
  return absl::MakeConstSpan(batch);
}

}  // namespace strop
