#include "plugin/data/data_source.h"

#include <cstring>
#include <numeric>

#include "graph/status_macros.h"

namespace strop {

int DataSource::FindField(std::string_view name) const {
  for (size_t i = 0; i < fields().size(); ++i) {
    if (fields()[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

int DataSource::FindWeights() const {
  for (size_t i = 0; i < fields().size(); ++i) {
    if (fields()[i].is_weight) return static_cast<int>(i);
  }
  return -1;
}

absl::Status DataSource::ReadField(size_t field, absl::Span<const int64_t> indices,
                                   Tensor& values) {
  std::vector<Tensor> batch;
  std::vector<int64_t> rows(indices.begin(), indices.end());
  const Tensor* from = whole_array(field);
  if (from == nullptr) {
    batch = MakeBatch(static_cast<int64_t>(indices.size()));
    STROP_RETURN_IF_ERROR(Read(indices, absl::MakeSpan(batch)));
    from = &batch[field];
    std::iota(rows.begin(), rows.end(), int64_t{0});
  }
  CopySamples(*from, rows, values);
  return absl::OkStatus();
}

void CopySamples(const Tensor& from, absl::Span<const int64_t> indices, Tensor& to) {
  const Shape& shape = from.shape();
  const size_t bytes = BytesFor(from.type(), ElementCount(absl::MakeConstSpan(shape).subspan(1)));
  if (bytes == 0) return;
  auto* place = static_cast<char*>(to.mutable_data());
  for (const int64_t index : indices) {
    std::memcpy(place, static_cast<const char*>(from.data()) + static_cast<size_t>(index) * bytes,
                bytes);
    place += bytes;
  }
}

std::vector<Tensor> DataSource::MakeBatch(int64_t sample_count) const {
  std::vector<Tensor> batch;
  for (const DataField& field : fields()) {
    Shape shape = field.shape;
    shape.insert(shape.begin(), sample_count);
    batch.emplace_back(field.type, std::move(shape));
  }
  return batch;
}

}  // namespace strop
