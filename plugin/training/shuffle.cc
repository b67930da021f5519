#include "plugin/training/shuffle.h"

#include <cstddef>
#include <numeric>
#include <utility>

namespace strop {
namespace {

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

std::vector<int64_t> ShuffledOrder(int64_t count, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  const uint64_t key = Mix(Mix(seed) ^ epoch);
  for (uint64_t i = static_cast<uint64_t>(count); i-- > 1;) {
    // The remainder's bias is below count/2^64.
    std::swap(order[i], order[Mix(key ^ i) % (i + 1)]);
  }
  return order;
}

}  // namespace strop
