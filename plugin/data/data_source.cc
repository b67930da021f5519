#include "plugin/data/data_source.h"

namespace strop {

int DataSource::FindField(std::string_view name) const {
  for (size_t i = 0; i < fields().size(); ++i) {
    if (fields()[i].name == name) return static_cast<int>(i);
  }
  return -1;
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
