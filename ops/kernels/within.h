#pragma once

#include <cmath>
#include <cstdint>

#include "graph/visit_type.h"

namespace strop {

// Whether |x| ≤ `largest` for all elements: none is NaN, nor infinite where `largest` is finite.
template <typename T>
bool AreWithin(const T* x, int64_t count, ComputeType<T> largest) {
  int outside = 0;
#pragma omp simd reduction(| : outside)
  for (int64_t i = 0; i < count; ++i) {
    outside |= !(std::abs(static_cast<ComputeType<T>>(x[i])) <= largest);
  }
  return outside == 0;
}

}  // namespace strop
