#include "plugin/monitor/loss_trend.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace strop {

double MeanOfLast(absl::Span<const double> numbers, size_t count) {
  const absl::Span<const double> last = numbers.last(count);
  return std::accumulate(last.begin(), last.end(), 0.0) / static_cast<double>(count);
}

std::optional<double> ScatterOf(absl::Span<const double> numbers) {
  constexpr size_t kLeast = 5;
  if (numbers.size() < kLeast) return std::nullopt;
  std::vector<double> bends;
  for (size_t i = 1; i + 1 < numbers.size(); ++i) {
    bends.push_back(std::abs(numbers[i - 1] - 2 * numbers[i] + numbers[i + 1]));
    if (!std::isfinite(bends.back())) return std::nullopt;
  }
  const auto middle = bends.begin() + static_cast<std::ptrdiff_t>(bends.size() / 2);
  std::nth_element(bends.begin(), middle, bends.end());
  constexpr double kQuartile = 0.6744897501960817;  // of the normal distribution
  return *middle / (kQuartile * std::sqrt(6.0));
}

}  // namespace strop
