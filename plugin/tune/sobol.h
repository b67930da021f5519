#pragma once

#include <cstdint>
#include <vector>

namespace strop {

// Sobol' points with the direction numbers of Joe and Kuo, "Constructing Sobol sequences with
// better two-dimensional projections" (2008), in Gray code's order as Antonov and Saleev visit
// them; 30 bits.
class SobolSequence {
 public:
  static constexpr int64_t kMaximumDimensions = 32;

  // `dimensions` from 1 to kMaximumDimensions.
  explicit SobolSequence(int64_t dimensions);

  // The point of that number from 0 (the origin) to 2^30 − 1; [dimensions] numbers in [0, 1).
  std::vector<double> Point(int64_t number) const;

 private:
  std::vector<std::vector<uint32_t>> directions_;  // [dimensions][bits]
};

}  // namespace strop
