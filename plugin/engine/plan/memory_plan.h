#pragma once

#include <cstddef>
#include <vector>

namespace strop {

// A buffer that is needed from instruction `first` to instruction `last`, both included.
struct Lifetime {
  size_t bytes = 0;
  int first = 0;
  int last = 0;
};

struct MemoryPlan {
  std::vector<size_t> offsets;  // one per lifetime, multiples of 64
  size_t arena_bytes = 0;
};

// Gives every lifetime a place in one arena such that lifetimes that overlap in time do not in
// space: largest first, each at the lowest gap that holds it.
MemoryPlan PlanMemory(const std::vector<Lifetime>& lifetimes);

}  // namespace strop
