// LayerNormalization and RMSNormalization of float rows: a row is read from memory once and stays
// in the first cache for the passes that follow.

#include "ops/layer_normalization/layer_normalization_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/layer_normalization/layer_normalization_rows.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace strop {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

// Σ_i term(i) with four independent sums; `term` takes a vector's first index, `last` one element.
template <typename Term, typename ScalarTerm>
float Sum(int64_t n, const Term& term, const ScalarTerm& last) {
  const Tag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  Vector sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    sum0 = hn::Add(sum0, term(i));
    sum1 = hn::Add(sum1, term(i + lanes));
    sum2 = hn::Add(sum2, term(i + 2 * lanes));
    sum3 = hn::Add(sum3, term(i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) sum0 = hn::Add(sum0, term(i));
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  for (; i < n; ++i) sum += last(i);
  return sum;
}

void Forward(const NormalizedRows<float>& rows, int64_t begin, int64_t end) {
  const Tag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t n = rows.length;
  const float count = static_cast<float>(n);
  for (int64_t row = begin; row < end; ++row) {
    const float* x = rows.x + row * n;
    float* y = rows.y + row * n;
    float mean = 0;
    if (rows.is_centered) {
      mean =
          Sum(
              n, [&](int64_t i) { return hn::LoadU(d, x + i); }, [&](int64_t i) { return x[i]; }) /
          count;
      rows.mean[row] = mean;
    }
    const Vector mean_vector = hn::Set(d, mean);
    const float variance = Sum(
                               n,
                               [&](int64_t i) {
                                 const Vector v = hn::Sub(hn::LoadU(d, x + i), mean_vector);
                                 return hn::Mul(v, v);
                               },
                               [&](int64_t i) { return (x[i] - mean) * (x[i] - mean); }) /
                           count;
    const float inverse = 1 / std::sqrt(variance + static_cast<float>(rows.epsilon));
    rows.inverse_deviation[row] = inverse;
    const Vector inverse_vector = hn::Set(d, inverse);
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      const Vector centered = hn::Sub(hn::LoadU(d, x + i), mean_vector);
      const Vector scale = hn::Mul(inverse_vector, hn::LoadU(d, rows.scale + i));
      const Vector value = rows.bias == nullptr
                               ? hn::Mul(centered, scale)
                               : hn::MulAdd(centered, scale, hn::LoadU(d, rows.bias + i));
      hn::StoreU(value, d, y + i);
    }
    for (; i < n; ++i) {
      const float bias = rows.bias == nullptr ? 0 : rows.bias[i];
      y[i] = (x[i] - mean) * (inverse * rows.scale[i]) + bias;
    }
  }
}

// One pass over dy and x adds to the parameters' gradients and sums g and g·x̂.
struct RowSums {
  float sum;
  float product_sum;
};

RowSums AccumulateRow(const NormalizedRowsGradient<float>& rows, const float* HWY_RESTRICT x,
                      const float* HWY_RESTRICT dy, float mean, float inverse) {
  const Tag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t n = rows.length;
  float* HWY_RESTRICT scale_gradient = rows.scale_gradient;
  float* HWY_RESTRICT bias_gradient = rows.bias_gradient;
  const Vector mean_vector = hn::Set(d, mean);
  const Vector inverse_vector = hn::Set(d, inverse);
  Vector sum = hn::Zero(d);
  Vector product_sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Vector cotangent = hn::LoadU(d, dy + i);
    const Vector normalized = hn::Mul(hn::Sub(hn::LoadU(d, x + i), mean_vector), inverse_vector);
    if (scale_gradient != nullptr) {
      const Vector old = hn::LoadU(d, scale_gradient + i);
      hn::StoreU(hn::MulAdd(cotangent, normalized, old), d, scale_gradient + i);
    }
    if (bias_gradient != nullptr) {
      hn::StoreU(hn::Add(hn::LoadU(d, bias_gradient + i), cotangent), d, bias_gradient + i);
    }
    const Vector scaled = hn::Mul(cotangent, hn::LoadU(d, rows.scale + i));
    sum = hn::Add(sum, scaled);
    product_sum = hn::MulAdd(scaled, normalized, product_sum);
  }
  RowSums sums = {hn::GetLane(hn::SumOfLanes(d, sum)), hn::GetLane(hn::SumOfLanes(d, product_sum))};
  for (; i < n; ++i) {
    const float normalized = (x[i] - mean) * inverse;
    if (scale_gradient != nullptr) scale_gradient[i] += dy[i] * normalized;
    if (bias_gradient != nullptr) bias_gradient[i] += dy[i];
    sums.sum += dy[i] * rows.scale[i];
    sums.product_sum += dy[i] * rows.scale[i] * normalized;
  }
  return sums;
}

void Backward(const NormalizedRowsGradient<float>& rows, int64_t begin, int64_t end) {
  const Tag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t n = rows.length;
  const float count = static_cast<float>(n);
  for (int64_t row = begin; row < end; ++row) {
    const float* x = rows.x + row * n;
    const float* dy = rows.y_gradient + row * n;
    const float mean = rows.is_centered ? rows.mean[row] : 0;
    const float inverse = rows.inverse_deviation[row];
    const RowSums sums = AccumulateRow(rows, x, dy, mean, inverse);
    if (rows.x_gradient == nullptr) continue;
    float offset = rows.is_centered ? -inverse * sums.sum / count : 0;
    float slope = -inverse * sums.product_sum / count;
    if (rows.mean_gradient != nullptr) offset += rows.mean_gradient[row] / count;
    if (rows.inverse_deviation_gradient != nullptr) {
      slope -= rows.inverse_deviation_gradient[row] * inverse * inverse / count;
    }
    const float factor = slope * inverse;
    float* dx = rows.x_gradient + row * n;
    const Vector mean_vector = hn::Set(d, mean);
    const Vector inverse_vector = hn::Set(d, inverse);
    const Vector factor_vector = hn::Set(d, factor);
    const Vector offset_vector = hn::Set(d, offset);
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      const Vector scale = hn::Mul(inverse_vector, hn::LoadU(d, rows.scale + i));
      const Vector centered = hn::Sub(hn::LoadU(d, x + i), mean_vector);
      const Vector rest = hn::MulAdd(centered, factor_vector, offset_vector);
      hn::StoreU(hn::MulAdd(hn::LoadU(d, dy + i), scale, rest), d, dx + i);
    }
    for (; i < n; ++i) {
      dx[i] = dy[i] * (inverse * rows.scale[i]) + (x[i] - mean) * factor + offset;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace strop
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strop {

HWY_EXPORT(Forward);
HWY_EXPORT(Backward);

void NormalizeRowsFloat(const NormalizedRows<float>& rows, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(Forward)(rows, begin, end);
}

void NormalizeRowsGradientFloat(const NormalizedRowsGradient<float>& rows, int64_t begin,
                                int64_t end) {
  HWY_DYNAMIC_DISPATCH(Backward)(rows, begin, end);
}

}  // namespace strop
#endif  // HWY_ONCE
