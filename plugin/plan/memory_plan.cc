#include "plugin/plan/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace strop {
namespace {

constexpr size_t kAlignment = 64;

size_t Aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// A buffer that has its place.
struct Placed {
  int first = 0;  // its lifetime
  int last = 0;
  size_t begin = 0;
  size_t end = 0;
};

}  // namespace

MemoryPlan PlanMemory(const std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  MemoryPlan plan;
  plan.offsets.assign(lifetimes.size(), 0);
  std::vector<Placed> placed;  // sorted by offset
  for (const size_t candidate : order) {
    const Lifetime& lifetime = lifetimes[candidate];
    const size_t bytes = Aligned(lifetime.bytes);
    size_t offset = 0;
    for (const Placed& other : placed) {
      if (other.first > lifetime.last || lifetime.first > other.last) continue;
      if (offset + bytes <= other.begin) break;
      offset = std::max(offset, other.end);
    }
    plan.offsets[candidate] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + bytes);
    const auto position =
        std::upper_bound(placed.begin(), placed.end(), offset,
                         [](size_t wanted, const Placed& other) { return wanted < other.begin; });
    placed.insert(position, {lifetime.first, lifetime.last, offset, offset + bytes});
  }
  return plan;
}

}  // namespace strop
