#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "graph/visit_type.h"

namespace strop {

// The exponentials of one row of logits, x [count]:
//   Statistics      max = max_i x, log_sum = log Σ_i exp(x - max)
//   ScaledSoftmax   y = scale·exp(x - max - log_sum); y may be x

template <typename T>
struct GenericRows {
  using C = ComputeType<T>;

  static void Statistics(const T* x, int64_t count, C& max, C& log_sum) {
    max = -std::numeric_limits<C>::infinity();
    for (int64_t i = 0; i < count; ++i) max = std::max(max, static_cast<C>(x[i]));
    C sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += std::exp(static_cast<C>(x[i]) - max);
    log_sum = std::log(sum);
  }

  static void ScaledSoftmax(const T* x, int64_t count, C max, C log_sum, C scale, T* y) {
    for (int64_t i = 0; i < count; ++i) {
      y[i] = static_cast<T>(scale * std::exp((static_cast<C>(x[i]) - max) - log_sum));
    }
  }
};

// The same for float in loops that the compiler turns into vector instructions.
struct VectorRows {
  static void Statistics(const float* x, int64_t count, float& max, float& log_sum);
  static void ScaledSoftmax(const float* x, int64_t count, float max, float log_sum, float scale,
                            float* y);
};

}  // namespace strop
