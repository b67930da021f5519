#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace strop {

// What TensorStatistics knows of some elements. Counts are exact in double.
struct BlockStatistics {
  double finite = 0;
  double sum = 0;
  double sum_of_squares = 0;
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -std::numeric_limits<double>::infinity();
  double zeros = 0;
  double saturated = 0;

  void Add(const BlockStatistics& other) {
    finite += other.finite;
    sum += other.sum;
    sum_of_squares += other.sum_of_squares;
    minimum = std::min(minimum, other.minimum);
    maximum = std::max(maximum, other.maximum);
    zeros += other.zeros;
    saturated += other.saturated;
  }
};

// Finite elements beyond these are saturated; infinite bounds have none beyond them.
struct SaturationBounds {
  double below;
  double above;
};

// Both in the vectors of this machine. `count` up to 2^31.
BlockStatistics MeasureBlock(const float* x, int64_t count, const SaturationBounds& bounds);
BlockStatistics MeasureBlock(const double* x, int64_t count, const SaturationBounds& bounds);

// The bucket of every element (see HistogramLimit); kHistogramBuckets for what is not finite.
void FindBuckets(const float* x, int64_t count, int32_t* buckets);
void FindBuckets(const double* x, int64_t count, int32_t* buckets);

}  // namespace strop
