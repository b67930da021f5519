#pragma once

#include <cstddef>
#include <vector>

namespace strop {

// Values of a noisy series and its slope from one point to the next.
struct LocalFit {
  std::vector<double> values;
  std::vector<double> slopes;
};

// Around every point the straight line that fits the points up to `reach` away best, near ones
// weighing more: local regression with tricube weights (Cleveland 1979). Unlike a moving average
// it lags behind nothing, and is as good at the ends.
LocalFit FitLocally(const std::vector<double>& series, size_t reach);

}  // namespace strop
