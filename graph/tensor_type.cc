#include "graph/tensor_type.h"

#include "absl/strings/str_cat.h"

namespace strop {

int64_t ElementCount(absl::Span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  return count;
}

absl::StatusOr<int64_t> CheckedElementCount(absl::Span<const int64_t> shape) {
  // Largest element is 16 bytes: below 2^58 elements no byte count can overflow.
  constexpr int64_t kLimit = int64_t{1} << 58;
  int64_t count = 1;
  bool has_zero = false;
  for (const int64_t dimension : shape) {
    if (dimension < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeName(shape), " has a negative dimension"));
    }
    if (dimension == 0) {
      has_zero = true;
      continue;
    }
    if (count > kLimit / dimension) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ShapeName(shape), " has more elements than can be addressed"));
    }
    count *= dimension;
  }
  return has_zero ? 0 : count;
}

Shape DenseStrides(absl::Span<const int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

std::string ShapeName(absl::Span<const int64_t> shape) {
  std::string name = "[";
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) name += ",";
    if (shape[axis] == kUnknownDimension) {
      name += "?";
    } else {
      absl::StrAppend(&name, shape[axis]);
    }
  }
  return name + "]";
}

std::string TypeName(const TensorType& type) {
  const std::string element(DataTypeName(type.element_type));
  return element + (type.shape ? ShapeName(*type.shape) : "[...]");
}

}  // namespace strop
