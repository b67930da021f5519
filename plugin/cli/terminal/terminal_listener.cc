#include "plugin/cli/terminal/terminal_listener.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "plugin/cli/terminal/progress_bar.h"

namespace strop {
namespace {

// The work that is shown. There is one terminal, and one line on it that is drawn over.
struct ShownWork {
  std::string name;
  std::unique_ptr<ProgressBar> bar;
  bool is_counted = false;  // it has no end: a number stands in the bar's place
};

ShownWork& Shown() {
  static ShownWork shown;
  return shown;
}

void ShowProgress(const std::string& work, int64_t done, int64_t total) {
  ShownWork& shown = Shown();
  if (total == 0) {
    if (isatty(STDERR_FILENO) == 0) return;
    std::fprintf(stderr, "\r%lld %s ", static_cast<long long>(done), work.c_str());
    shown.is_counted = true;
    return;
  }
  if (shown.bar == nullptr || shown.name != work) {
    shown.bar = std::make_unique<ProgressBar>(work, total, done);
    shown.name = work;
  }
  shown.bar->Update(done);
  if (done == total) shown.bar.reset();
}

void PrintLine(const char* kind, const std::string& line) {
  ClearProgress();
  std::fprintf(stderr, "%s%s\n", kind, line.c_str());
}

}  // namespace

Listener TerminalListener() {
  Listener listener;
  listener.note = [](const std::string& line) { PrintLine("note: ", line); };
  listener.warning = [](const std::string& line) { PrintLine("warning: ", line); };
  listener.status = [](const std::string& line) { PrintLine("", line); };
  listener.progress = ShowProgress;
  return listener;
}

void ClearProgress() {
  ShownWork& shown = Shown();
  if (shown.bar != nullptr) shown.bar->Clear();
  if (shown.is_counted) std::fprintf(stderr, "\r\x1b[K");
  shown.is_counted = false;
}

}  // namespace strop
