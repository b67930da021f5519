#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace strop {

// Calls body(begin, end) over disjoint ranges that cover [0, count), one range a thread of the one
// OpenMP team that oneDNN uses too. Ranges are multiples of `grain` but for the last; the split
// depends on nothing but the arguments and the team's size, so results are reproducible.
template <typename Body>
void ParallelFor(int64_t count, int64_t grain, const Body& body) {
  if (count <= 0) return;
  const int64_t blocks = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<int64_t>(omp_get_max_threads(), blocks));
  if (threads <= 1) {
    body(int64_t{0}, count);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const int64_t thread = omp_get_thread_num();
    const int64_t begin = blocks * thread / threads * grain;
    const int64_t end = std::min(count, blocks * (thread + 1) / threads * grain);
    if (begin < end) body(begin, end);
  }
}

}  // namespace strop
