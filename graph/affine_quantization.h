#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace strop {

// Real numbers as whole ones: q stands for (q − zero_point)·scale (ONNX's QuantizeLinear). Scales
// are float32 numbers and at least its epsilon, so that a tensor of zeros divides by no zero
// (torch.ao's eps).
inline constexpr double kSmallestQuantizationScale = std::numeric_limits<float>::epsilon();

// Maps [low, high], widened to hold 0, to whole numbers from `minimum` to `maximum`:
// scale = (high − low) / (maximum − minimum), zero_point = minimum − round(low / scale).
struct AffineQuantization {
  float scale = 1;
  double zero_point = 0;

  AffineQuantization(double low, double high, double minimum, double maximum) {
    low = std::min(low, 0.0);
    high = std::max(high, 0.0);
    scale = static_cast<float>(
        std::max((high - low) / (maximum - minimum), kSmallestQuantizationScale));
    const double zero = minimum - std::rint(low / static_cast<double>(scale));
    zero_point = std::min(std::max(zero, minimum), maximum);
  }
};

// Maps [−magnitude, magnitude] to whole numbers up to `maximum`, zero to zero.
inline float SymmetricQuantizationScale(double magnitude, double maximum) {
  return static_cast<float>(std::max(magnitude / maximum, kSmallestQuantizationScale));
}

}  // namespace strop
