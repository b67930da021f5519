#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace strop {

// "1:05:09" or "5:09".
std::string DurationName(double seconds);

// A live bar on stderr, while that is a terminal, for work of a known number of equal parts.
class ProgressBar {
 public:
  // `begun` parts were done before: they do not count for the time that is left.
  ProgressBar(std::string what, int64_t total, int64_t begun = 0);
  ~ProgressBar();  // takes the bar away
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(int64_t done);

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  int64_t total_;
  int64_t begun_;
  bool is_terminal_;
  bool is_drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_drawn_;
};

}  // namespace strop
