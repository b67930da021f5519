// The loops of TensorStatistics over a block of elements that lies in the cache.

#include "ops/training/tensor_statistics_block.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "ops/training/tensor_statistics.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/training/tensor_statistics_block.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace strop {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;

// Adds up elements and squares in double, the halves of a vector apart.
class Sums {
 public:
  Sums() {  // not implicit, which would be compiled for the machine at large
    low_ = high_ = low_squares_ = high_squares_ = hn::Zero(Doubles());
  }
  void Add(hn::Vec<Doubles> x) {
    low_ = hn::Add(low_, x);
    low_squares_ = hn::MulAdd(x, x, low_squares_);
  }
  void Add(hn::Vec<hn::ScalableTag<float>> x) {
    const hn::Half<hn::ScalableTag<float>> half;
    Add(hn::PromoteTo(Doubles(), hn::LowerHalf(half, x)));
#if HWY_TARGET != HWY_SCALAR  // whose vectors have one element
    const auto high = hn::PromoteTo(Doubles(), hn::UpperHalf(half, x));
    high_ = hn::Add(high_, high);
    high_squares_ = hn::MulAdd(high, high, high_squares_);
#endif
  }
  double sum() const { return Total(hn::Add(low_, high_)); }
  double sum_of_squares() const { return Total(hn::Add(low_squares_, high_squares_)); }

 private:
  static double Total(hn::Vec<Doubles> x) { return hn::GetLane(hn::SumOfLanes(Doubles(), x)); }

  hn::Vec<Doubles> low_;
  hn::Vec<Doubles> high_;
  hn::Vec<Doubles> low_squares_;
  hn::Vec<Doubles> high_squares_;
};

template <typename T>
BlockStatistics Measure(const T* x, int64_t count, const SaturationBounds& bounds) {
  const hn::ScalableTag<T> d;
  using Vector = hn::Vec<hn::ScalableTag<T>>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Vector largest = hn::Set(d, std::numeric_limits<T>::max());
  const Vector infinity = hn::Inf(d);
  const Vector zero = hn::Zero(d);
  const Vector below = hn::Set(d, static_cast<T>(bounds.below));
  const Vector above = hn::Set(d, static_cast<T>(bounds.above));
  const bool can_saturate = std::isfinite(bounds.below) || std::isfinite(bounds.above);
  size_t finite = 0, zeros = 0, saturated = 0;
  Vector minimum = infinity;
  Vector maximum = hn::Neg(infinity);
  Sums sums;
  const auto visit = [&](Vector v) HWY_ATTR {
    const auto is_finite = hn::Le(hn::Abs(v), largest);  // false for NaN
    finite += hn::CountTrue(d, is_finite);
    zeros += hn::CountTrue(d, hn::Eq(v, zero));
    minimum = hn::Min(minimum, hn::IfThenElse(is_finite, v, infinity));
    maximum = hn::Max(maximum, hn::IfThenElse(is_finite, v, hn::Neg(infinity)));
    sums.Add(hn::IfThenElseZero(is_finite, v));
    if (!can_saturate) return;
    const auto is_outside = hn::Or(hn::Lt(v, below), hn::Gt(v, above));
    saturated += hn::CountTrue(d, hn::And(is_finite, is_outside));
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) visit(hn::LoadU(d, x + i));
  if (i < count) {  // NaN fills up the last vector and counts for nothing
    HWY_ALIGN T rest[hn::MaxLanes(hn::ScalableTag<T>())];
    std::fill_n(rest, lanes, std::numeric_limits<T>::quiet_NaN());
    std::memcpy(rest, x + i, static_cast<size_t>(count - i) * sizeof(T));
    visit(hn::Load(d, rest));
  }
  return {static_cast<double>(finite),
          sums.sum(),
          sums.sum_of_squares(),
          static_cast<double>(hn::GetLane(hn::MinOfLanes(d, minimum))),
          static_cast<double>(hn::GetLane(hn::MaxOfLanes(d, maximum))),
          static_cast<double>(zeros),
          static_cast<double>(saturated)};
}

BlockStatistics MeasureFloats(const float* x, int64_t count, const SaturationBounds& bounds) {
  return Measure(x, count, bounds);
}

BlockStatistics MeasureDoubles(const double* x, int64_t count, const SaturationBounds& bounds) {
  return Measure(x, count, bounds);
}

// Sign, exponent and the upper three bits of the mantissa of a float are the bucket.
void FindBucketsOfFloats(const float* x, int64_t count, int32_t* buckets) {
  constexpr int kShift = 20;  // of 23 bits of mantissa, three stay
  constexpr int32_t kFirst = (127 - kHistogramOctaves / 2) * kHistogramParts;
  const hn::ScalableTag<float> d;
  const hn::ScalableTag<int32_t> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto largest = hn::Set(d, std::numeric_limits<float>::max());
  const auto middle = hn::Set(di, static_cast<int32_t>(kHistogramSide));
  const auto outside = hn::Set(di, static_cast<int32_t>(kHistogramBuckets));
  const auto bucket_of = [&](hn::Vec<hn::ScalableTag<float>> v) HWY_ATTR {
    const auto size = hn::ShiftRight<kShift>(hn::BitCast(di, hn::Abs(v)));
    const auto from_first = hn::Sub(size, hn::Set(di, kFirst - 1));
    const auto side = hn::Min(hn::Max(from_first, hn::Zero(di)), middle);
    const auto is_negative = hn::Lt(hn::BitCast(di, v), hn::Zero(di));
    const auto bucket = hn::IfThenElse(is_negative, hn::Sub(middle, side), hn::Add(middle, side));
    const auto is_finite = hn::RebindMask(di, hn::Le(hn::Abs(v), largest));
    return hn::IfThenElse(is_finite, bucket, outside);
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(bucket_of(hn::LoadU(d, x + i)), di, buckets + i);
  }
  if (i == count) return;
  HWY_ALIGN float rest[hn::MaxLanes(hn::ScalableTag<float>())] = {};
  HWY_ALIGN int32_t found[hn::MaxLanes(hn::ScalableTag<float>())];
  std::memcpy(rest, x + i, static_cast<size_t>(count - i) * sizeof(float));
  hn::Store(bucket_of(hn::Load(d, rest)), di, found);
  std::memcpy(buckets + i, found, static_cast<size_t>(count - i) * sizeof(int32_t));
}

}  // namespace HWY_NAMESPACE
}  // namespace strop
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strop {

HWY_EXPORT(MeasureFloats);
HWY_EXPORT(MeasureDoubles);
HWY_EXPORT(FindBucketsOfFloats);

BlockStatistics MeasureBlock(const float* x, int64_t count, const SaturationBounds& bounds) {
  return HWY_DYNAMIC_DISPATCH(MeasureFloats)(x, count, bounds);
}

BlockStatistics MeasureBlock(const double* x, int64_t count, const SaturationBounds& bounds) {
  return HWY_DYNAMIC_DISPATCH(MeasureDoubles)(x, count, bounds);
}

void FindBuckets(const float* x, int64_t count, int32_t* buckets) {
  HWY_DYNAMIC_DISPATCH(FindBucketsOfFloats)(x, count, buckets);
}

void FindBuckets(const double* x, int64_t count, int32_t* buckets) {
  // What float cannot hold lies beyond the outermost limit, in float as well.
  constexpr double kLargest = std::numeric_limits<float>::max();
  for (int64_t i = 0; i < count; ++i) {
    const auto element = static_cast<float>(std::clamp(x[i], -kLargest, kLargest));
    FindBuckets(&element, 1, buckets + i);
    if (!std::isfinite(x[i])) buckets[i] = static_cast<int32_t>(kHistogramBuckets);
  }
}

}  // namespace strop
#endif  // HWY_ONCE
