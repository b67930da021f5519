#ifndef STROP_TENSOR_HPP_
#define STROP_TENSOR_HPP_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "strop/error.hpp"

namespace strop {
inline namespace interface {

using Shape = std::vector<int64_t>;

// ONNX's element type of a C++ type; float16 and bfloat16 have none in C++20.
template <typename T>
constexpr strop_type TypeOf() {
  if constexpr (std::is_same_v<T, float>) return STROP_FLOAT32;
  if constexpr (std::is_same_v<T, double>) return STROP_FLOAT64;
  if constexpr (std::is_same_v<T, bool>) return STROP_BOOL;
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    constexpr bool has_sign = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return has_sign ? STROP_INT8 : STROP_UINT8;
    if constexpr (sizeof(T) == 2) return has_sign ? STROP_INT16 : STROP_UINT16;
    if constexpr (sizeof(T) == 4) return has_sign ? STROP_INT32 : STROP_UINT32;
    if constexpr (sizeof(T) == 8) return has_sign ? STROP_INT64 : STROP_UINT64;
  }
}

// Bytes of one element; 0 for STROP_STRING.
constexpr size_t BytesOf(strop_type type) {
  switch (type) {
    case STROP_UINT8:
    case STROP_INT8:
    case STROP_BOOL:
      return 1;
    case STROP_UINT16:
    case STROP_INT16:
    case STROP_FLOAT16:
    case STROP_BFLOAT16:
      return 2;
    case STROP_FLOAT32:
    case STROP_INT32:
    case STROP_UINT32:
      return 4;
    case STROP_FLOAT64:
    case STROP_INT64:
    case STROP_UINT64:
      return 8;
    case STROP_STRING:
      return 0;
  }
  return 0;
}

// Something whose elements lie one after the other: std::vector, std::array, std::span.
template <typename Range>
concept Elements = std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
    std::is_arithmetic_v<std::ranges::range_value_t<Range>>;

// A dense array, row by row, whose elements somebody else keeps for as long as this is used.
class TensorView {
 public:
  // Of a range with as many elements as the shape says; STROP_USAGE for another number of them.
  template <Elements Range>
  TensorView(std::string name, const Range& elements, Shape shape)
      : TensorView(std::move(name), TypeOf<std::ranges::range_value_t<Range>>(),
                   std::ranges::data(elements), std::move(shape)) {
    const auto found = static_cast<int64_t>(std::ranges::size(elements));
    if (found == element_count()) return;
    throw Error(STROP_USAGE, "tensor \"" + name_ + "\": found " + std::to_string(found) +
                                 " elements, expected " + std::to_string(element_count()) +
                                 " as its shape says");
  }
  // Of any type: float16, too.
  TensorView(std::string name, strop_type type, const void* data, Shape shape)
      : name_(std::move(name)), type_(type), shape_(std::move(shape)), data_(data) {}
  explicit TensorView(const strop_tensor& tensor)
      : TensorView(tensor.name, tensor.type, tensor.data,
                   Shape(tensor.shape, tensor.shape + tensor.rank)) {}

  const std::string& name() const { return name_; }
  strop_type type() const { return type_; }
  const Shape& shape() const { return shape_; }
  const void* data() const { return data_; }
  int64_t element_count() const {
    int64_t count = 1;
    for (const int64_t dimension : shape_) count *= dimension;
    return count;
  }
  size_t byte_count() const { return static_cast<size_t>(element_count()) * BytesOf(type_); }

  // The elements; STROP_USAGE unless they are T.
  template <typename T>
  std::span<const T> elements() const {
    if (TypeOf<T>() != type_) {
      throw Error(STROP_USAGE, "tensor \"" + name_ + "\": found elements of type " +
                                   std::to_string(type_) + " (strop_type), expected " +
                                   std::to_string(TypeOf<T>()));
    }
    return {static_cast<const T*>(data_), static_cast<size_t>(element_count())};
  }

  strop_tensor c_tensor() const {
    return {name_.c_str(), type_, shape_.size(), shape_.data(), data_};
  }

 protected:
  std::string name_;
  strop_type type_;
  Shape shape_;
  const void* data_;
};

// The same with its elements, which copies share and nobody changes.
class Tensor : public TensorView {
 public:
  explicit Tensor(const TensorView& view) : TensorView(view) {
    const auto bytes = std::make_shared<std::vector<std::max_align_t>>(
        view.byte_count() / sizeof(std::max_align_t) + 1);
    if (view.byte_count() > 0) std::memcpy(bytes->data(), view.data(), view.byte_count());
    data_ = bytes->data();
    owner_ = bytes;
  }
  template <Elements Range>
  Tensor(std::string name, const Range& elements, Shape shape)
      : Tensor(TensorView(std::move(name), elements, std::move(shape))) {}
  Tensor(const strop_tensor& tensor, std::shared_ptr<const void> owner)
      : TensorView(tensor), owner_(std::move(owner)) {}

 private:
  std::shared_ptr<const void> owner_;
};

// What a call gives out, by place and by name.
class Tensors {
 public:
  explicit Tensors(const std::shared_ptr<strop_tensors>& handle) {
    for (size_t i = 0; i < strop_tensors_count(handle.get()); ++i) {
      tensors_.emplace_back(*strop_tensors_at(handle.get(), i), handle);
    }
  }

  size_t size() const { return tensors_.size(); }
  auto begin() const { return tensors_.begin(); }
  auto end() const { return tensors_.end(); }
  const Tensor& operator[](size_t index) const { return tensors_[index]; }
  // STROP_USAGE for a name that none has.
  const Tensor& operator[](std::string_view name) const {
    for (const Tensor& tensor : tensors_) {
      if (tensor.name() == name) return tensor;
    }
    throw Error(STROP_USAGE, "found no tensor \"" + std::string(name) + "\"");
  }

 private:
  std::vector<Tensor> tensors_;
};

// Bytes that a call gave out: a file in memory. Copies share them.
class Bytes {
 public:
  explicit Bytes(std::shared_ptr<strop_bytes> handle) : handle_(std::move(handle)) {}

  std::span<const std::byte> span() const {
    return {static_cast<const std::byte*>(strop_bytes_data(handle_.get())),
            strop_bytes_size(handle_.get())};
  }
  std::string_view text() const {
    return {static_cast<const char*>(strop_bytes_data(handle_.get())),
            strop_bytes_size(handle_.get())};
  }

 private:
  std::shared_ptr<strop_bytes> handle_;
};

namespace detail {

inline std::vector<strop_tensor> CTensors(const std::vector<TensorView>& views) {
  std::vector<strop_tensor> tensors;
  tensors.reserve(views.size());
  for (const TensorView& view : views) tensors.push_back(view.c_tensor());
  return tensors;
}

template <typename Call>
Tensors MadeTensors(const Call& call) {
  return Tensors(Made<strop_tensors>(strop_tensors_free, call));
}

template <typename Call>
Bytes MadeBytes(const Call& call) {
  return Bytes(Made<strop_bytes>(strop_bytes_free, call));
}

template <typename Call>
std::string MadeText(const Call& call) {
  return std::string(MadeBytes(call).text());
}

}  // namespace detail
}  // namespace interface
}  // namespace strop

#endif  // STROP_TENSOR_HPP_
