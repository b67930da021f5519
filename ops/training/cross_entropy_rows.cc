#include "ops/training/cross_entropy_rows.h"

#include <bit>

namespace strop {
namespace {

// e^x for x ≤ 0, to 2 units in the last place; 0 below the smallest normal number's logarithm and
// NaN for NaN. x = n·ln 2 + r with |r| ≤ ln 2 / 2, e^x = 2^n·e^r, e^r by its Taylor polynomial.
inline float ExpOfNonPositive(float x) {
  constexpr float kSmallest = -87.33654f;
  constexpr float kRoundingShift = 12582912.0f;  // 1.5·2^23: adding it rounds to whole numbers
  const float clamped = x < kSmallest ? kSmallest : x;
  const float shifted = clamped * 1.44269504f + kRoundingShift;
  const float n = shifted - kRoundingShift;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float e = 1.0f / 5040;
  e = e * r + 1.0f / 720;
  e = e * r + 1.0f / 120;
  e = e * r + 1.0f / 24;
  e = e * r + 1.0f / 6;
  e = e * r + 0.5f;
  e = e * r + 1.0f;
  e = e * r + 1.0f;
  const uint32_t exponent =
      (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kRoundingShift) + 127) << 23;
  const float result = e * std::bit_cast<float>(exponent);
  return x < kSmallest ? 0.0f : result;
}

}  // namespace

void VectorRows::Statistics(const float* x, int64_t count, float& max, float& log_sum) {
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) sum += ExpOfNonPositive(x[i] - largest);
  max = largest;
  log_sum = std::log(sum);
}

void VectorRows::ScaledSoftmax(const float* x, int64_t count, float max, float log_sum, float scale,
                               float* y) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = scale * ExpOfNonPositive((x[i] - max) - log_sum);
}

}  // namespace strop
