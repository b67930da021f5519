#include "plugin/tune/sobol.h"

#include <array>
#include <bit>
#include <cstddef>

namespace strop {
namespace {

constexpr int kBits = 30;

struct Direction {
  uint32_t polynomial;  // primitive modulo 2, all its coefficients as bits
  std::array<uint32_t, 7> first;
};

// Of the second dimension on.
constexpr Direction kDirections[] = {
    {3, {1}},
    {7, {1, 3}},
    {11, {1, 3, 1}},
    {13, {1, 1, 1}},
    {19, {1, 1, 3, 3}},
    {25, {1, 3, 5, 13}},
    {37, {1, 1, 5, 5, 17}},
    {41, {1, 1, 5, 5, 5}},
    {47, {1, 1, 7, 11, 19}},
    {55, {1, 1, 5, 1, 1}},
    {59, {1, 1, 1, 3, 11}},
    {61, {1, 3, 5, 5, 31}},
    {67, {1, 3, 3, 9, 7, 49}},
    {91, {1, 1, 1, 15, 21, 21}},
    {97, {1, 3, 1, 13, 27, 49}},
    {103, {1, 1, 1, 15, 7, 5}},
    {109, {1, 3, 1, 15, 13, 25}},
    {115, {1, 1, 5, 5, 19, 61}},
    {131, {1, 3, 7, 11, 23, 15, 103}},
    {137, {1, 3, 7, 13, 13, 15, 69}},
    {143, {1, 1, 3, 13, 7, 35, 63}},
    {145, {1, 3, 5, 9, 1, 25, 53}},
    {157, {1, 3, 1, 13, 9, 35, 107}},
    {167, {1, 3, 1, 5, 27, 61, 31}},
    {171, {1, 1, 5, 11, 19, 41, 61}},
    {185, {1, 3, 5, 3, 3, 13, 69}},
    {191, {1, 1, 7, 13, 1, 19, 1}},
    {193, {1, 3, 7, 5, 13, 19, 59}},
    {203, {1, 1, 3, 9, 25, 29, 41}},
    {211, {1, 3, 5, 13, 23, 1, 55}},
    {213, {1, 3, 7, 3, 13, 59, 17}},
};
static_assert(std::size(kDirections) + 1 == SobolSequence::kMaximumDimensions);

// v[k] = v[k−m] ⊕ 2^m·v[k−m] ⊕ Σ 2^i·a[i]·v[k−i], i from 1 to m − 1, where a are the coefficients.
std::vector<uint32_t> DirectionsOf(const Direction& direction) {
  const int degree = std::bit_width(direction.polynomial) - 1;
  std::vector<uint32_t> numbers(direction.first.begin(), direction.first.begin() + degree);
  for (int k = degree; k < kBits; ++k) {
    uint32_t number = numbers[static_cast<size_t>(k - degree)];
    for (int i = 1; i <= degree; ++i) {
      if ((direction.polynomial >> (degree - i) & 1) != 0) {
        number ^= numbers[static_cast<size_t>(k - i)] << i;
      }
    }
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

SobolSequence::SobolSequence(int64_t dimensions) {
  directions_.emplace_back(kBits, 1);
  for (size_t i = 0; static_cast<int64_t>(directions_.size()) < dimensions; ++i) {
    directions_.push_back(DirectionsOf(kDirections[i]));
  }
  for (std::vector<uint32_t>& numbers : directions_) {
    for (int k = 0; k < kBits; ++k) numbers[static_cast<size_t>(k)] <<= kBits - 1 - k;
  }
}

std::vector<double> SobolSequence::Point(int64_t number) const {
  const auto gray = static_cast<uint64_t>(number ^ (number >> 1));
  std::vector<double> point;
  for (const std::vector<uint32_t>& numbers : directions_) {
    uint32_t bits = 0;
    for (size_t k = 0; k < kBits; ++k) {
      if ((gray >> k & 1) != 0) bits ^= numbers[k];
    }
    point.push_back(static_cast<double>(bits) / (1 << kBits));
  }
  return point;
}

}  // namespace strop
