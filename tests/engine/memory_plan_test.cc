#include "plugin/engine/plan/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace strop {
namespace {

TEST(MemoryPlan, LifetimesThatMeetInTimeNeverMeetInSpace) {
  std::mt19937 random(7);
  std::vector<Lifetime> lifetimes;
  for (int i = 0; i < 300; ++i) {
    const int first = static_cast<int>(random() % 100);
    const int length = static_cast<int>(random() % 20);
    lifetimes.push_back({random() % 5000, first, first + length});
  }
  const MemoryPlan plan = PlanMemory(lifetimes);
  for (size_t a = 0; a < lifetimes.size(); ++a) {
    EXPECT_EQ(plan.offsets[a] % 64, 0u);
    EXPECT_LE(plan.offsets[a] + lifetimes[a].bytes, plan.arena_bytes);
    for (size_t b = 0; b < a; ++b) {
      const bool in_time =
          lifetimes[a].first <= lifetimes[b].last && lifetimes[b].first <= lifetimes[a].last;
      const bool in_space = plan.offsets[a] < plan.offsets[b] + lifetimes[b].bytes &&
                            plan.offsets[b] < plan.offsets[a] + lifetimes[a].bytes;
      EXPECT_FALSE(in_time && in_space) << a << " and " << b;
    }
  }
}

// Largest first, each at the lowest multiple of 64 where nothing of its time lies.
std::vector<size_t> OffsetsByTrial(const std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  std::vector<size_t> offsets(lifetimes.size(), 0);
  for (size_t i = 0; i < order.size(); ++i) {
    const Lifetime& lifetime = lifetimes[order[i]];
    const auto meets_others = [&](size_t offset) {
      return std::any_of(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(i),
                         [&](size_t other) {
                           const Lifetime& placed = lifetimes[other];
                           return placed.first <= lifetime.last && lifetime.first <= placed.last &&
                                  offsets[other] < offset + (lifetime.bytes + 63) / 64 * 64 &&
                                  offset < offsets[other] + placed.bytes;
                         });
    };
    while (meets_others(offsets[order[i]])) offsets[order[i]] += 64;
  }
  return offsets;
}

TEST(MemoryPlan, TakesTheLowestGapAmongThousands) {
  std::mt19937 random(11);
  std::vector<Lifetime> lifetimes;
  for (int i = 0; i < 3000; ++i) {
    const int first = static_cast<int>(random() % 2000);
    const int longest = i % 7 == 0 ? 2000 : 12;
    const int length = static_cast<int>(random() % static_cast<unsigned>(longest));
    lifetimes.push_back({1 + random() % 300, first, first + length});
  }
  EXPECT_EQ(PlanMemory(lifetimes).offsets, OffsetsByTrial(lifetimes));
}

TEST(MemoryPlan, SequentialBuffersShareOnePlace) {
  const MemoryPlan plan = PlanMemory({{1000, 0, 1}, {1000, 2, 3}, {500, 4, 5}});
  EXPECT_EQ(plan.arena_bytes, 1024u);
}

}  // namespace
}  // namespace strop
