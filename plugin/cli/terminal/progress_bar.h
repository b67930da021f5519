#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace strop {

// "1:05:09" or "5:09".
std::string DurationName(double seconds);

// Columns of the terminal that stderr is, 80 where it does not say; 0 where it is none.
int TerminalColumns();

// "what [====    ] DETAIL  DETAIL" with a bar filled by `share`, in less than `columns`: a line
// that wraps could not be drawn over. Gives up the last details first, then shortens the bar, and
// `what`.
std::string BarLine(const std::string& what, double share, const std::vector<std::string>& details,
                    int columns);

// Parts of a line with two spaces between them; broken there, and indented, where it would be wider
// than `columns`, unless these are 0.
std::string WrappedLine(const std::vector<std::string>& parts, int columns);

// A live bar on stderr, while that is a terminal, for work of a known number of equal parts.
class ProgressBar {
 public:
  // `begun` parts were done before: they do not count for the time that is left.
  ProgressBar(std::string what, int64_t total, int64_t begun = 0);
  ~ProgressBar();  // takes the bar away
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(int64_t done);
  // Takes the bar away until the next update, to make place for a line about something else.
  void Clear();

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
