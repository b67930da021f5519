#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/data_type.h"

namespace strop {

// A dimension that is not known before the plan binds the input shapes.
inline constexpr int64_t kUnknownDimension = -1;

using Shape = absl::InlinedVector<int64_t, 6>;

// Product of the dimensions; the shape must be fully known.
int64_t ElementCount(absl::Span<const int64_t> shape);

// Product of the dimensions, or InvalidArgument if one is negative or the bytes overflow 2^62.
absl::StatusOr<int64_t> CheckedElementCount(absl::Span<const int64_t> shape);

// Row-major strides, counted in elements.
Shape DenseStrides(absl::Span<const int64_t> shape);

// "[2,3,?]"
std::string ShapeName(absl::Span<const int64_t> shape);

// What is known of a value before it is computed. Without `shape` the rank is unknown too.
struct TensorType {
  DataType element_type = DataType::kUndefined;
  std::optional<Shape> shape;

  bool operator==(const TensorType&) const = default;
};

// "float32[2,3,?]"; "float32[...]" with an unknown rank.
std::string TypeName(const TensorType& type);

// How a value's elements lie in memory when not dense row-major: opaque to everything but the
// kernels that made it. Immutable, shared.
class OpaqueLayout {
 public:
  virtual ~OpaqueLayout() = default;
  virtual bool Equals(const OpaqueLayout& other) const = 0;
  // Bytes that a buffer in this layout takes, padding included.
  virtual size_t bytes() const = 0;
  // True if the buffer holds the tensor's elements and nothing else, so that an elementwise kernel
  // may walk over it in any order.
  virtual bool is_unpadded() const = 0;
  virtual std::string name() const = 0;
};

// Dense row-major when null.
using Layout = std::shared_ptr<const OpaqueLayout>;

inline bool SameLayout(const Layout& a, const Layout& b) {
  return a == b || (a != nullptr && b != nullptr && a->Equals(*b));
}

}  // namespace strop
