#include "plugin/monitor/loss_trend.h"

#include <cmath>
#include <numeric>

namespace strop {

double MeanOfLast(absl::Span<const double> numbers, size_t count) {
  const absl::Span<const double> last = numbers.last(count);
  return std::accumulate(last.begin(), last.end(), 0.0) / static_cast<double>(count);
}

std::optional<double> ScatterOf(absl::Span<const double> numbers) {
  constexpr size_t kLeast = 5;
  if (numbers.size() < kLeast) return std::nullopt;
  double squares = 0;
  for (size_t i = 1; i + 1 < numbers.size(); ++i) {
    const double bend = numbers[i - 1] - 2 * numbers[i] + numbers[i + 1];
    squares += bend * bend;
  }
  if (!std::isfinite(squares)) return std::nullopt;
  return std::sqrt(squares / (6 * static_cast<double>(numbers.size() - 2)));
}

}  // namespace strop
