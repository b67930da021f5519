#pragma once

#include <cstdint>

#include "ops/kernels/parallel_for.h"

namespace strop {

// Elements that are summed before they join the others: the order of a long sum then does not
// depend on the number of threads.
inline constexpr int64_t kSumBlock = 16384;

constexpr int64_t SumBlockCount(int64_t count) { return (count + kSumBlock - 1) / kSumBlock; }

// Calls body(block, begin, end) for every block of [0, count), in parallel.
template <typename Body>
void ParallelForSumBlocks(int64_t count, const Body& body) {
  ParallelFor(SumBlockCount(count), 1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      body(block, block * kSumBlock, std::min(count, (block + 1) * kSumBlock));
    }
  });
}

}  // namespace strop
