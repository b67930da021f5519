#include "plugin/data/arrays/array_source.h"

#include "absl/strings/str_cat.h"

namespace strop {

absl::StatusOr<std::unique_ptr<ArraySource>> ArraySource::Create(
    std::string origin, std::vector<NamedTensor> arrays, std::vector<std::string> class_names) {
  const std::string where = absl::StrCat("data: \"", origin, "\": ");
  if (arrays.empty()) return absl::InvalidArgumentError(where + "found no array in it");
  for (const NamedTensor& array : arrays) {
    const Shape& shape = array.tensor.shape();
    if (shape.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, "array \"", array.name,
                       "\": found a single number, expected samples along the first axis"));
    }
    if (shape[0] != arrays[0].tensor.shape()[0]) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, "array \"", array.name, "\": found ", shape[0], " samples, expected ",
                       arrays[0].tensor.shape()[0], " as in array \"", arrays[0].name, "\""));
    }
  }
  return std::unique_ptr<ArraySource>(
      new ArraySource(std::move(origin), std::move(arrays), std::move(class_names)));
}

ArraySource::ArraySource(std::string origin, std::vector<NamedTensor> arrays,
                         std::vector<std::string> class_names)
    : origin_(std::move(origin)),
      arrays_(std::move(arrays)),
      class_names_(std::move(class_names)),
      sample_count_(arrays_[0].tensor.shape()[0]) {
  for (const NamedTensor& array : arrays_) {
    const Shape& shape = array.tensor.shape();
    fields_.push_back({array.name, array.tensor.type(), Shape(shape.begin() + 1, shape.end())});
  }
}

absl::Status ArraySource::Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) {
  for (size_t field = 0; field < fields_.size(); ++field) {
    CopySamples(arrays_[field].tensor, indices, batch[field]);
  }
  return absl::OkStatus();
}

}  // namespace strop
