#include "plugin/monitor/histogram_record.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/training/tensor_statistics.h"

namespace strop {
namespace {

constexpr size_t kKeptOctaves = 12;
constexpr size_t kMerged = 2;  // divides kHistogramParts

}  // namespace

Histogram HistogramOf(const std::string& tag, const TensorMeasurement& measured) {
  Histogram histogram;
  histogram.tag = tag;
  histogram.count = measured.finite;
  if (measured.finite == 0) return histogram;
  histogram.minimum = measured.minimum;
  histogram.maximum = measured.maximum;
  histogram.sum = measured.sum;
  histogram.sum_of_squares = measured.sum_of_squares;
  const std::vector<int64_t>& counts = measured.histogram;
  const auto is_filled = [](int64_t count) { return count > 0; };
  const auto first = std::find_if(counts.begin(), counts.end(), is_filled) - counts.begin();
  const auto last = counts.rend() - std::find_if(counts.rbegin(), counts.rend(), is_filled) - 1;
  const auto middle = static_cast<std::ptrdiff_t>(kHistogramSide);
  // Distances from the middle bucket: up to `inner` buckets are one, beyond they go by groups.
  const std::ptrdiff_t largest = std::max(middle - first, last - middle);
  const std::ptrdiff_t kept = kKeptOctaves * kHistogramParts;
  const std::ptrdiff_t groups = std::max<std::ptrdiff_t>(largest - kept, 0) / kMerged;
  const std::ptrdiff_t inner = groups * static_cast<std::ptrdiff_t>(kMerged);
  const auto group_of = [&](std::ptrdiff_t bucket) -> std::ptrdiff_t {
    const std::ptrdiff_t distance = std::abs(bucket - middle);
    if (distance <= inner) return 0;
    const std::ptrdiff_t group = (distance - inner - 1) / static_cast<std::ptrdiff_t>(kMerged) + 1;
    return bucket < middle ? -group : group;
  };
  for (std::ptrdiff_t bucket = first; bucket <= last; ++bucket) {
    const bool begins = bucket == first || group_of(bucket) != group_of(bucket - 1);
    if (begins) {
      histogram.limits.push_back(HistogramLimit(static_cast<size_t>(bucket)));
      histogram.counts.push_back(0);
    }
    histogram.counts.back() += static_cast<double>(counts[static_cast<size_t>(bucket)]);
  }
  histogram.limits.push_back(HistogramLimit(static_cast<size_t>(last) + 1));
  // The outermost buckets have no bound.
  histogram.limits.front() = std::min(histogram.limits.front(), measured.minimum);
  const double above = std::nextafter(measured.maximum, std::numeric_limits<double>::infinity());
  histogram.limits.back() = std::max(histogram.limits.back(), above);
  return histogram;
}

}  // namespace strop
