#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "graph/tensor_type.h"
#include "graph/visit_type.h"
#include "ops/core/kernel.h"

namespace strop {

// For each element of a row the element of a scale or bias that belongs to it.
inline std::vector<int64_t> BroadcastIndices(absl::Span<const int64_t> parameter,
                                             absl::Span<const int64_t> normalized) {
  while (parameter.size() > normalized.size()) parameter.remove_prefix(1);
  const Shape strides = DenseStrides(parameter);
  std::vector<int64_t> indices(static_cast<size_t>(ElementCount(normalized)));
  for (size_t i = 0; i < indices.size(); ++i) {
    int64_t rest = static_cast<int64_t>(i);
    for (size_t axis = normalized.size(); axis-- > 0;) {
      const int64_t position = rest % normalized[axis];
      rest /= normalized[axis];
      const size_t missing = normalized.size() - parameter.size();
      if (axis >= missing && parameter[axis - missing] != 1) {
        indices[i] += position * strides[axis - missing];
      }
    }
  }
  return indices;
}

// A scale or bias as a kernel reads it: one number per element of the row, in the compute type.
template <typename T>
class RowParameter {
 public:
  RowParameter() = default;
  RowParameter(const TensorDescription& parameter, absl::Span<const int64_t> normalized)
      : is_present_(parameter.is_present) {
    if (!is_present_) return;
    length_ = ElementCount(normalized);
    count_ = parameter.element_count();
    if (count_ != length_) indices_ = BroadcastIndices(parameter.shape, normalized);
  }

  bool is_present() const { return is_present_; }

  // The numbers themselves where they can be read in place, a copy in `space` elsewhere.
  const ComputeType<T>* Expand(const T* elements, ComputeType<T>* space) const {
    if (!is_present_) return nullptr;
    if constexpr (std::is_same_v<T, ComputeType<T>>) {
      if (indices_.empty()) return elements;
    }
    for (int64_t i = 0; i < length_; ++i) {
      space[i] = static_cast<ComputeType<T>>(elements[index(i)]);
    }
    return space;
  }

  // gradient = Σ over the `threads` partial rows, added up in their order.
  void Reduce(const ComputeType<T>* partial, int64_t threads, ComputeType<T>* sums,
              T* gradient) const {
    std::fill_n(sums, count_, ComputeType<T>{0});
    for (int64_t thread = 0; thread < threads; ++thread) {
      for (int64_t i = 0; i < length_; ++i) sums[index(i)] += partial[thread * length_ + i];
    }
    for (int64_t i = 0; i < count_; ++i) gradient[i] = static_cast<T>(sums[i]);
  }

 private:
  int64_t index(int64_t i) const { return indices_.empty() ? i : indices_[static_cast<size_t>(i)]; }

  bool is_present_ = false;
  int64_t length_ = 0;
  int64_t count_ = 0;
  std::vector<int64_t> indices_;  // empty: i itself
};

}  // namespace strop
