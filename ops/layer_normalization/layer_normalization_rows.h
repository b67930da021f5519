#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "graph/visit_type.h"

namespace strop {

// Rows of `length` elements, each normalized on its own. Scale and bias are `length` long, bias
// may be null; mean and inverse_deviation hold one number per row.
template <typename T>
struct NormalizedRows {
  int64_t length = 0;
  bool is_centered = true;  // false: divided by the root mean square, without subtracting a mean
  double epsilon = 0;
  const T* x = nullptr;
  const ComputeType<T>* scale = nullptr;
  const ComputeType<T>* bias = nullptr;
  T* y = nullptr;
  ComputeType<T>* mean = nullptr;  // null unless centered
  ComputeType<T>* inverse_deviation = nullptr;
};

// Null cotangents are zero. scale_gradient and bias_gradient are added to, `length` elements each.
template <typename T>
struct NormalizedRowsGradient {
  int64_t length = 0;
  bool is_centered = true;
  const T* x = nullptr;
  const ComputeType<T>* scale = nullptr;
  const ComputeType<T>* mean = nullptr;
  const ComputeType<T>* inverse_deviation = nullptr;
  const T* y_gradient = nullptr;
  const ComputeType<T>* mean_gradient = nullptr;
  const ComputeType<T>* inverse_deviation_gradient = nullptr;
  T* x_gradient = nullptr;  // null when not wanted
  ComputeType<T>* scale_gradient = nullptr;
  ComputeType<T>* bias_gradient = nullptr;
};

template <typename T>
void NormalizeRows(const NormalizedRows<T>& rows, int64_t begin, int64_t end) {
  using Compute = ComputeType<T>;
  const int64_t n = rows.length;
  for (int64_t row = begin; row < end; ++row) {
    const T* x = rows.x + row * n;
    T* y = rows.y + row * n;
    Compute mean = 0;
    if (rows.is_centered) {
      for (int64_t i = 0; i < n; ++i) mean += static_cast<Compute>(x[i]);
      mean /= static_cast<Compute>(n);
      rows.mean[row] = mean;
    }
    Compute variance = 0;
    for (int64_t i = 0; i < n; ++i) {
      const Compute centered = static_cast<Compute>(x[i]) - mean;
      variance += centered * centered;
    }
    variance /= static_cast<Compute>(n);
    const Compute inverse = 1 / std::sqrt(variance + static_cast<Compute>(rows.epsilon));
    rows.inverse_deviation[row] = inverse;
    for (int64_t i = 0; i < n; ++i) {
      Compute value = (static_cast<Compute>(x[i]) - mean) * inverse * rows.scale[i];
      if (rows.bias != nullptr) value += rows.bias[i];
      y[i] = static_cast<T>(value);
    }
  }
}

// With x̂ = (x − mean)·inverse and g = dy·scale:
//   dx = inverse·(g − mean(g) − x̂·mean(g·x̂)) + dmean/n − dinverse·inverse²·x̂/n
// where mean(g) and dmean are there only if the rows are centered.
template <typename T>
void NormalizeRowsGradient(const NormalizedRowsGradient<T>& rows, int64_t begin, int64_t end) {
  using Compute = ComputeType<T>;
  const int64_t n = rows.length;
  const auto count = static_cast<Compute>(n);
  for (int64_t row = begin; row < end; ++row) {
    const T* x = rows.x + row * n;
    const T* dy = rows.y_gradient == nullptr ? nullptr : rows.y_gradient + row * n;
    const Compute mean = rows.is_centered ? rows.mean[row] : Compute{0};
    const Compute inverse = rows.inverse_deviation[row];
    Compute sum = 0;
    Compute product_sum = 0;
    for (int64_t i = 0; dy != nullptr && i < n; ++i) {
      const auto cotangent = static_cast<Compute>(dy[i]);
      const Compute normalized = (static_cast<Compute>(x[i]) - mean) * inverse;
      if (rows.scale_gradient != nullptr) rows.scale_gradient[i] += cotangent * normalized;
      if (rows.bias_gradient != nullptr) rows.bias_gradient[i] += cotangent;
      sum += cotangent * rows.scale[i];
      product_sum += cotangent * rows.scale[i] * normalized;
    }
    if (rows.x_gradient == nullptr) continue;
    Compute offset = rows.is_centered ? -inverse * sum / count : Compute{0};
    Compute slope = -inverse * product_sum / count;
    if (rows.mean_gradient != nullptr) offset += rows.mean_gradient[row] / count;
    if (rows.inverse_deviation_gradient != nullptr) {
      slope -= rows.inverse_deviation_gradient[row] * inverse * inverse / count;
    }
    T* dx = rows.x_gradient + row * n;
    for (int64_t i = 0; i < n; ++i) {
      const Compute normalized = (static_cast<Compute>(x[i]) - mean) * inverse;
      const Compute direct =
          dy == nullptr ? Compute{0} : static_cast<Compute>(dy[i]) * rows.scale[i] * inverse;
      dx[i] = static_cast<T>(direct + offset + slope * normalized);
    }
  }
}

// The same in vectors.
void NormalizeRowsFloat(const NormalizedRows<float>& rows, int64_t begin, int64_t end);
// The same in vectors, for a y_gradient that is there.
void NormalizeRowsGradientFloat(const NormalizedRowsGradient<float>& rows, int64_t begin,
                                int64_t end);

}  // namespace strop
