#pragma once

#include <omp.h>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace strop {

#if defined(__SANITIZE_THREAD__)

// OpenMP's library is not built with the thread sanitizer, which therefore has to be told that what
// is done before a team works comes before all that its threads do, and that before what follows.
// How the compiler hands RunTeam's own variables to the threads happens out of its sight.
struct TeamOrder {
  static inline char fork = 0;
  static inline char join = 0;
};

template <typename Member>
__attribute__((noinline)) void CallMember(const Member& member, int thread) {
  __tsan_acquire(&TeamOrder::fork);
  member(thread);
  __tsan_release(&TeamOrder::join);
}

template <typename Member>
__attribute__((noinline, no_sanitize("thread"))) void RunTeam(int threads, const Member& member) {
  __tsan_release(&TeamOrder::fork);
#pragma omp parallel num_threads(threads)
  CallMember(member, omp_get_thread_num());
  __tsan_acquire(&TeamOrder::join);
}

#else

// Calls member(number of the thread) on `threads` threads of the one OpenMP team that oneDNN uses
// too, and waits for all.
template <typename Member>
void RunTeam(int threads, const Member& member) {
#pragma omp parallel num_threads(threads)
  member(omp_get_thread_num());
}

#endif

}  // namespace strop
