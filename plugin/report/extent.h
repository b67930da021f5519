#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace strop {

// From the least to the greatest of the finite numbers seen; low > high while none was.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void Add(const std::vector<double>& values) {
    for (const double value : values) Add(value);
  }
  // Whether a logarithmic axis shows the numbers better: all positive, the greatest more than
  // `factor` times the least.
  bool Spans(double factor) const { return low > 0 && high > factor * low; }
};

}  // namespace strop
