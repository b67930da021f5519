#pragma once

#include <omp.h>

namespace strop {

// How many threads the calling thread's teams have, for as long as the object lives: then it is as
// before. Other threads of the process have sizes of their own.
class TeamSize {
 public:
  // 0 leaves the size as it is.
  explicit TeamSize(int threads) : before_(omp_get_max_threads()) {
    if (threads > 0) omp_set_num_threads(threads);
  }
  ~TeamSize() { omp_set_num_threads(before_); }
  // `threads`, or the calling thread's size for 0: what stays the same in another thread.
  static int Of(int threads) { return threads > 0 ? threads : omp_get_max_threads(); }
  TeamSize(const TeamSize&) = delete;
  TeamSize& operator=(const TeamSize&) = delete;

 private:
  const int before_;
};

}  // namespace strop
