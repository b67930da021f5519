#include "plugin/training/exploration/local_fit.h"

#include <algorithm>
#include <cmath>

namespace strop {

LocalFit FitLocally(const std::vector<double>& series, size_t reach) {
  LocalFit fit;
  for (size_t center = 0; center < series.size(); ++center) {
    const size_t begin = center - std::min(center, reach);
    const size_t end = std::min(center + reach + 1, series.size());
    double weights = 0;
    double mean_x = 0;
    double mean_y = 0;
    double square_x = 0;
    double product = 0;
    for (size_t i = begin; i < end; ++i) {
      const double x = static_cast<double>(i) - static_cast<double>(center);
      const double distance = std::abs(x) / static_cast<double>(reach + 1);
      const double weight = std::pow(1 - std::pow(distance, 3), 3);
      weights += weight;
      mean_x += weight * x;
      mean_y += weight * series[i];
      square_x += weight * x * x;
      product += weight * x * series[i];
    }
    mean_x /= weights;
    mean_y /= weights;
    const double variance = square_x / weights - mean_x * mean_x;
    const double covariance = product / weights - mean_x * mean_y;
    const double slope = variance > 0 ? covariance / variance : 0;
    fit.slopes.push_back(slope);
    fit.values.push_back(mean_y - slope * mean_x);  // x is 0 at the center
  }
  return fit;
}

}  // namespace strop
