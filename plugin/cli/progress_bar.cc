#include "plugin/cli/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

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

ProgressBar::ProgressBar(std::string what, int64_t total, int64_t begun)
    : what_(std::move(what)),
      total_(total),
      begun_(begun),
      is_terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (is_drawn_) std::fprintf(stderr, "\r\033[K");
}

void ProgressBar::Update(int64_t done) {
  if (!is_terminal_ || total_ < 1) return;
  const Clock::time_point now = Clock::now();
  if (is_drawn_ && now - last_drawn_ < std::chrono::milliseconds(100)) return;
  is_drawn_ = true;
  last_drawn_ = now;
  constexpr int kWidth = 24;
  std::string bar(static_cast<size_t>(kWidth * done / total_), '=');
  bar.resize(kWidth, ' ');
  std::fprintf(stderr, "\r\033[K%s [%s] %lld/%lld", what_.c_str(), bar.c_str(),
               static_cast<long long>(done), static_cast<long long>(total_));
  if (done > begun_) {
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double left =
        seconds / static_cast<double>(done - begun_) * static_cast<double>(total_ - done);
    std::fprintf(stderr, "  %s left", DurationName(left).c_str());
  }
  std::fflush(stderr);
}

}  // namespace strop
