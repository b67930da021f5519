#include "plugin/engine/plan/memory_plan.h"

#include <gtest/gtest.h>

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

TEST(MemoryPlan, SequentialBuffersShareOnePlace) {
  const MemoryPlan plan = PlanMemory({{1000, 0, 1}, {1000, 2, 3}, {500, 4, 5}});
  EXPECT_EQ(plan.arena_bytes, 1024u);
}

}  // namespace
}  // namespace strop
