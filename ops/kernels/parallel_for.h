#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/kernels/thread_team.h"

namespace strop {

// Calls body(begin, end) over disjoint ranges that cover [0, count), one range per thread of the
// OpenMP team. Ranges are multiples of `grain` but for the last; the split depends on nothing but
// the arguments and the team's size, so results are reproducible.
template <typename Body>
void ParallelFor(int64_t count, int64_t grain, const Body& body) {
  if (count <= 0) return;
  const int64_t blocks = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<int64_t>(omp_get_max_threads(), blocks));
  if (threads <= 1) {
    body(int64_t{0}, count);
    return;
  }
  RunTeam(threads, [&](int64_t thread) {
    const int64_t begin = blocks * thread / threads * grain;
    const int64_t end = std::min(count, blocks * (thread + 1) / threads * grain);
    if (begin < end) body(begin, end);
  });
}

}  // namespace strop
