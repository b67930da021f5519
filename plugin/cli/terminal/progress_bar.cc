#include "plugin/cli/terminal/progress_bar.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace strop {

std::string DurationName(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(seconds, 0.0)));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof(text), "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text, sizeof(text), "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

int TerminalColumns() {
  constexpr int kUsual = 80;
  if (isatty(STDERR_FILENO) == 0) return 0;
  struct winsize size = {};
  const bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : kUsual;
}

std::string BarLine(const std::string& what, double share, const std::vector<std::string>& details,
                    int columns) {
  constexpr size_t kWidest = 24;
  constexpr size_t kNarrowest = 8;
  const size_t room = columns > 1 ? static_cast<size_t>(columns) - 1 : 0;
  std::vector<std::string> kept = details;
  size_t others = 0;  // columns of all but the bar
  for (;; kept.pop_back()) {
    others = what.size() + 3;
    for (const std::string& detail : kept) others += detail.size() + 2;
    if (kept.empty() || others + kNarrowest <= room) break;
  }
  const size_t width = others + kNarrowest <= room ? std::min(kWidest, room - others) : 0;
  if (width == 0) return what.substr(0, room);
  const double filled = std::clamp(share, 0.0, 1.0) * static_cast<double>(width);
  std::string bar(static_cast<size_t>(filled), '=');
  bar.resize(width, ' ');
  return absl::StrCat(what, " [", bar, "]", kept.empty() ? "" : " ", absl::StrJoin(kept, "  "));
}

std::string WrappedLine(const std::vector<std::string>& parts, int columns) {
  std::string line;
  size_t used = 0;
  for (const std::string& part : parts) {
    const bool breaks =
        columns > 0 && used > 0 && used + 2 + part.size() > static_cast<size_t>(columns);
    if (used > 0) line += breaks ? "\n  " : "  ";
    used = breaks || used == 0 ? part.size() + (breaks ? 2 : 0) : used + 2 + part.size();
    line += part;
  }
  return line;
}

ProgressBar::ProgressBar(std::string what, int64_t total, int64_t begun)
    : what_(std::move(what)),
      total_(total),
      begun_(begun),
      is_terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() { Clear(); }

void ProgressBar::Clear() {
  if (is_drawn_) std::fprintf(stderr, "\r\033[K");
  is_drawn_ = false;
}

void ProgressBar::Update(int64_t done) {
  if (!is_terminal_ || total_ < 1) return;
  const Clock::time_point now = Clock::now();
  if (is_drawn_ && now - last_drawn_ < std::chrono::milliseconds(100)) return;
  is_drawn_ = true;
  last_drawn_ = now;
  std::vector<std::string> details = {absl::StrCat(done, "/", total_)};
  if (done > begun_) {
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double left =
        seconds / static_cast<double>(done - begun_) * static_cast<double>(total_ - done);
    details.push_back(DurationName(left) + " left");
  }
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  std::fprintf(stderr, "\r\033[K%s", BarLine(what_, share, details, TerminalColumns()).c_str());
  std::fflush(stderr);
}

}  // namespace strop
