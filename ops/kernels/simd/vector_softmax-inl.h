// Softmax and its kin along one line of float. Included once a target.

#if defined(STROP_VECTOR_SOFTMAX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STROP_VECTOR_SOFTMAX_INL
#undef STROP_VECTOR_SOFTMAX_INL
#else
#define STROP_VECTOR_SOFTMAX_INL
#endif

#include <cmath>
#include <cstring>
#include <limits>

#include "hwy/highway.h"
#include "ops/kernels/simd/vector_exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strop::simd::HWY_NAMESPACE {

// Calls visit(begin, lanes used) for every vector of a line; the last may be partial.
template <typename Visit>
HWY_INLINE void ForEachVector(int64_t count, const Visit& visit) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) visit(i, lanes);
  if (i < count) visit(i, count - i);
}

HWY_INLINE bool IsWhole(int64_t used) { return used == static_cast<int64_t>(hn::Lanes(D())); }

HWY_INLINE V LoadPart(const float* x, int64_t used, float filler) {
  if (HWY_LIKELY(IsWhole(used))) return hn::LoadU(D(), x);
  HWY_ALIGN float buffer[hn::MaxLanes(D())];
  hn::Store(Number(filler), D(), buffer);
  std::memcpy(buffer, x, static_cast<size_t>(used) * sizeof(float));
  return hn::Load(D(), buffer);
}

HWY_INLINE void StorePart(V y, float* out, int64_t used) {
  if (HWY_LIKELY(IsWhole(used))) return hn::StoreU(y, D(), out);
  HWY_ALIGN float buffer[hn::MaxLanes(D())];
  hn::Store(y, D(), buffer);
  std::memcpy(out, buffer, static_cast<size_t>(used) * sizeof(float));
}

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

HWY_INLINE V LineMaximum(const float* x, int64_t count) {
  V maximum = Number(kMinusInfinity);
  ForEachVector(count, [&](int64_t i, int64_t used) {
    maximum = hn::Max(maximum, LoadPart(x + i, used, kMinusInfinity));
  });
  return hn::MaxOfLanes(D(), maximum);
}

void SoftmaxLine(const float* x, float* y, int64_t count, const float*) {
  const V maximum = LineMaximum(x, count);
  V sum = hn::Zero(D());
  ForEachVector(count, [&](int64_t i, int64_t used) {
    const V e = ExpNonPositive(hn::Sub(LoadPart(x + i, used, kMinusInfinity), maximum));
    sum = hn::Add(sum, e);
    StorePart(e, y + i, used);
  });
  const V scale = hn::Div(Number(1.0f), hn::SumOfLanes(D(), sum));
  ForEachVector(count, [&](int64_t i, int64_t used) {
    StorePart(hn::Mul(LoadPart(y + i, used, 0.0f), scale), y + i, used);
  });
}

void LogSoftmaxLine(const float* x, float* y, int64_t count, const float*) {
  const V maximum = LineMaximum(x, count);
  V sum = hn::Zero(D());
  ForEachVector(count, [&](int64_t i, int64_t used) {
    sum = hn::Add(sum, ExpNonPositive(hn::Sub(LoadPart(x + i, used, kMinusInfinity), maximum)));
  });
  const V logarithm = Number(std::log(hn::GetLane(hn::SumOfLanes(D(), sum))));
  ForEachVector(count, [&](int64_t i, int64_t used) {
    const V shifted = hn::Sub(LoadPart(x + i, used, 0.0f), maximum);
    StorePart(hn::Sub(shifted, logarithm), y + i, used);
  });
}

void SoftmaxGradientLine(const float* dy, const float* y, float* dx, int64_t count, const float*) {
  V dot = hn::Zero(D());
  ForEachVector(count, [&](int64_t i, int64_t used) {
    dot = hn::MulAdd(LoadPart(dy + i, used, 0.0f), LoadPart(y + i, used, 0.0f), dot);
  });
  dot = hn::SumOfLanes(D(), dot);
  ForEachVector(count, [&](int64_t i, int64_t used) {
    const V shifted = hn::Sub(LoadPart(dy + i, used, 0.0f), dot);
    StorePart(hn::Mul(LoadPart(y + i, used, 0.0f), shifted), dx + i, used);
  });
}

void LogSoftmaxGradientLine(const float* dy, const float* y, float* dx, int64_t count,
                            const float*) {
  V sum = hn::Zero(D());
  ForEachVector(count,
                [&](int64_t i, int64_t used) { sum = hn::Add(sum, LoadPart(dy + i, used, 0.0f)); });
  sum = hn::SumOfLanes(D(), sum);
  ForEachVector(count, [&](int64_t i, int64_t used) {
    const V probability = ExpNonPositive(LoadPart(y + i, used, 0.0f));
    StorePart(hn::NegMulAdd(probability, sum, LoadPart(dy + i, used, 0.0f)), dx + i, used);
  });
}

}  // namespace strop::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
