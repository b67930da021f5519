#include "plugin/training/run/shuffle.h"

#include <algorithm>
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

std::vector<int64_t> GroupedByLength(std::vector<int64_t> order, absl::Span<const int64_t> lengths,
                                     int64_t batch_size, uint64_t seed, uint64_t epoch) {
  const auto count = static_cast<int64_t>(order.size());
  const int64_t batches = count / batch_size;  // that are full
  const int64_t group = std::clamp<int64_t>(batches / 4, 1, 50) * batch_size;
  for (int64_t first = 0; first < count; first += group) {
    std::stable_sort(order.begin() + first, order.begin() + std::min(first + group, count),
                     [lengths](int64_t a, int64_t b) {
                       return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
                     });
  }
  constexpr uint64_t kBatches = 0x9E37;  // away from the samples' own order
  std::vector<int64_t> grouped;
  for (const int64_t batch : ShuffledOrder(batches, SplitMix64(seed ^ kBatches), epoch)) {
    const auto begin = order.begin() + batch * batch_size;
    grouped.insert(grouped.end(), begin, begin + batch_size);
  }
  grouped.insert(grouped.end(), order.begin() + batches * batch_size, order.end());
  return grouped;
}

}  // namespace strop
