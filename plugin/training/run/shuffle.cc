#include "plugin/training/run/shuffle.h"

#include <cstddef>
#include <numeric>
#include <utility>

#include "graph/split_mix.h"

namespace strop {

std::vector<int64_t> ShuffledOrder(int64_t count, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  const uint64_t key = SplitMix64(SplitMix64(seed) ^ epoch);
  for (uint64_t i = static_cast<uint64_t>(count); i-- > 1;) {
    // The remainder's bias is below count/2^64.
    std::swap(order[i], order[SplitMix64(key ^ i) % (i + 1)]);
  }
  return order;
}

}  // namespace strop
