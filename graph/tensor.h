#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor_type.h"

namespace strop {

// A dense row-major array, aligned to 64 bytes when owned. Copies share the elements; Clone() does
// not.
class Tensor {
 public:
  Tensor() = default;

  // Zero-filled.
  Tensor(DataType type, Shape shape);

  // Shares `bytes`, which must be BytesFor(type, ElementCount(shape)) long and outlive nothing but
  // `owner`.
  static Tensor Borrow(DataType type, Shape shape, const void* bytes,
                       std::shared_ptr<const void> owner);

  template <typename T>
  static Tensor FromVector(Shape shape, const std::vector<T>& elements);
  template <typename T>
  static Tensor Scalar(T value) {
    return FromVector<T>({}, {value});
  }
  // Strings have no fixed size and are kept beside the buffer.
  static Tensor FromStrings(Shape shape, std::vector<std::string> strings);

  DataType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  int64_t element_count() const { return ElementCount(shape_); }
  size_t bytes() const { return BytesFor(type_, element_count()); }
  bool is_empty_handle() const { return type_ == DataType::kUndefined; }
  const std::vector<std::string>& strings() const { return *strings_; }

  const void* data() const { return data_; }
  // Writes are seen by every copy of this tensor. Never call on a borrowed read-only tensor.
  void* mutable_data() { return data_; }

  template <typename T>
  absl::Span<const T> elements() const {
    return absl::MakeConstSpan(static_cast<const T*>(data()), element_count());
  }
  template <typename T>
  absl::Span<T> mutable_elements() {
    return absl::MakeSpan(static_cast<T*>(mutable_data()), element_count());
  }

  Tensor Clone() const;
  // The same elements under another shape of equal element count.
  Tensor WithShape(Shape shape) const;

 private:
  DataType type_ = DataType::kUndefined;
  Shape shape_;
  std::byte* data_ = nullptr;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const std::vector<std::string>> strings_;
};

// Elements converted as by Cast (round to nearest even into half types, truncation into integers).
// InvalidArgument for a type that has no conversion.
absl::StatusOr<Tensor> ConvertTensor(const Tensor& tensor, DataType type);

// Elements of any integer tensor, widened. InvalidArgument if it is not one.
absl::StatusOr<std::vector<int64_t>> IntegerElements(const Tensor& tensor);

// Elements of any numeric tensor, converted to double.
absl::StatusOr<std::vector<double>> NumericElements(const Tensor& tensor);

template <typename T>
Tensor Tensor::FromVector(Shape shape, const std::vector<T>& elements) {
  Tensor tensor(DataTypeOf<T>::value, std::move(shape));
  T* out = static_cast<T*>(tensor.mutable_data());
  for (size_t i = 0; i < elements.size(); ++i) out[i] = elements[i];
  return tensor;
}

}  // namespace strop
