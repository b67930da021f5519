#pragma once

#include <cstdint>
#include <limits>

#include "ops/kernels/philox.h"

namespace strop {

// Random numbers one after the other, a function of (seed, stream, index) and nothing else. Also a
// generator for the distributions of <random>.
class RandomDraws {
 public:
  using result_type = uint32_t;

  // `stream` tells purposes and epochs apart, `index` samples or steps.
  RandomDraws(uint64_t seed, uint64_t stream, uint64_t index) : words_(seed, stream, index) {}

  static constexpr uint32_t min() { return 0; }
  static constexpr uint32_t max() { return std::numeric_limits<uint32_t>::max(); }
  uint32_t operator()() { return words_(block_++)[0]; }

  // Evenly in [0, 1), 53 bits.
  double Uniform() {
    const Philox::Words words = words_(block_++);
    const uint64_t bits = (uint64_t{words[0]} << 32 | words[1]) >> 11;
    return static_cast<double>(bits) * 0x1p-53;
  }

  // Evenly in [low, high).
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }

  // Evenly among 0 … count − 1.
  int64_t Below(int64_t count) {
    return static_cast<int64_t>(Uniform() * static_cast<double>(count));
  }

 private:
  Philox words_;
  uint64_t block_ = 0;
};

}  // namespace strop
