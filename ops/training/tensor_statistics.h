#pragma once

#include <cstddef>
#include <cstdint>

namespace strop {

// Where each number of TensorStatistics' first output stands. All but the first and the last two
// are of the finite elements alone.
enum Statistic : size_t {
  kStatisticNotFinite,  // how many elements are NaN or infinite
  kStatisticFinite,     // how many are not
  kStatisticSum,
  kStatisticSumOfSquares,
  kStatisticMinimum,  // +infinity when there is no element
  kStatisticMaximum,  // -infinity when there is no element
  kStatisticZeros,
  kStatisticSaturated,  // below "saturated_below" or above "saturated_above"
  kStatisticUnits,      // extent of "unit_axis"; 0 without it
  kStatisticDeadUnits,  // indices along it at which every element is 0
};
inline constexpr size_t kStatisticCount = 10;

// TensorStatistics' second output counts elements in buckets that widen with their distance from 0:
// each octave 2^e ≤ |x| < 2^(e+1) from 2^-40 to 2^40 is cut into eight equal parts, below it is one
// bucket around 0, beyond it the outermost ones.
inline constexpr int kHistogramOctaves = 80;
inline constexpr int kHistogramParts = 8;
inline constexpr size_t kHistogramSide = size_t{kHistogramOctaves} * kHistogramParts;
inline constexpr size_t kHistogramBuckets = 2 * kHistogramSide + 1;

// The lower end of a bucket, for `bucket` = kHistogramBuckets the upper end of the last one.
double HistogramLimit(size_t bucket);

}  // namespace strop
