#include "plugin/plan/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace strop {
namespace {

constexpr size_t kAlignment = 64;

size_t Aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

bool OverlapInTime(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

MemoryPlan PlanMemory(const std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  MemoryPlan plan;
  plan.offsets.assign(lifetimes.size(), 0);
  std::vector<size_t> placed;  // sorted by offset
  for (const size_t candidate : order) {
    const size_t bytes = Aligned(lifetimes[candidate].bytes);
    size_t offset = 0;
    for (const size_t other : placed) {
      if (!OverlapInTime(lifetimes[candidate], lifetimes[other])) continue;
      if (offset + bytes <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + Aligned(lifetimes[other].bytes));
    }
    plan.offsets[candidate] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + bytes);
    const auto position =
        std::upper_bound(placed.begin(), placed.end(), candidate,
                         [&](size_t a, size_t b) { return plan.offsets[a] < plan.offsets[b]; });
    placed.insert(position, candidate);
  }
  return plan;
}

}  // namespace strop
