#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "graph/data_type.h"
#include "ops/core/type_context.h"
#include "ops/kernels/element_access.h"

namespace strop {

// Which scale and zero point belong to an element of a tensor [outer, axis, inner]: one for all,
// one per index of the axis, or one per block of `block` indices (QuantizeLinear-25, "blocked").
class QuantizationScale {
 public:
  // InvalidArgument when the scale's shape fits the tensor's in none of the three ways. A scale of
  // rank 0, or of one element where the axis has more, is for all. `block` 0: not blocked.
  static absl::StatusOr<QuantizationScale> Create(const Node& node, const Shape& tensor,
                                                  const Shape& scale, int64_t axis, int64_t block);

  bool is_per_tensor() const { return axis_ == 1; }

  // Calls run(begin, count, index) over [begin, end) in runs that share the scale `index`.
  template <typename Run>
  void ForEachRun(int64_t begin, int64_t end, const Run& run) const {
    while (begin < end) {
      const int64_t row = begin / inner_;
      const int64_t at = row % axis_;
      const int64_t in_row = begin % inner_;
      if (block_ == 0) {
        const int64_t count = std::min(end - begin, inner_ - in_row);
        run(begin, count, at);
        begin += count;
        continue;
      }
      run(begin, int64_t{1}, (row / axis_ * scales_ + at / block_) * inner_ + in_row);
      ++begin;
    }
  }

 private:
  int64_t axis_ = 1;
  int64_t inner_ = 1;
  int64_t block_ = 0;
  int64_t scales_ = 1;  // along the axis, when blocked
};

// A number of any element type up to 32 bits, for zero points; 0 where there is none.
inline double ReadZeroPoint(DataType type, const void* elements, int64_t index) {
  if (elements == nullptr) return 0;
  switch (type) {
    case DataType::kInt8:
      return static_cast<const int8_t*>(elements)[index];
    case DataType::kUint8:
      return static_cast<const uint8_t*>(elements)[index];
    case DataType::kInt16:
      return static_cast<const int16_t*>(elements)[index];
    case DataType::kUint16:
      return static_cast<const uint16_t*>(elements)[index];
    case DataType::kInt32:
      return static_cast<const int32_t*>(elements)[index];
    default:
      return ReadElement(type, elements, index);
  }
}

}  // namespace strop
