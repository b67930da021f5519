#pragma once

#include <optional>

#include "absl/types/span.h"

namespace strop {

// The mean of the last `count` numbers, of which there are as many.
double MeanOfLast(absl::Span<const double> numbers, size_t count);

// By how much numbers scatter about a curve that bends little, as a standard deviation: from their
// second differences xᵢ₋₁ − 2xᵢ + xᵢ₊₁, whose variance is six times that of the scatter (Gasser,
// Sroka and Jennen-Steinmetz 1986, "Residual variance and residual pattern in nonlinear
// regression"), and of these the median, so that neither a trend nor a few sharp bends count.
// Nothing of fewer than five numbers, and where one is not finite.
std::optional<double> ScatterOf(absl::Span<const double> numbers);

}  // namespace strop
