#include "plugin/cli/terminal/terminal_listener.h"

#include <cstdio>
#include <memory>

#include "plugin/cli/terminal/progress_bar.h"

namespace strop {

Listener TerminalListener() {
  Listener listener;
  listener.note = [](const std::string& line) { std::fprintf(stderr, "note: %s\n", line.c_str()); };
  listener.warning = [](const std::string& line) {
    std::fprintf(stderr, "warning: %s\n", line.c_str());
  };
  listener.status = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
  listener.progress = [bar = std::shared_ptr<ProgressBar>()](const std::string& work, int64_t done,
                                                             int64_t total) mutable {
    if (bar == nullptr) bar = std::make_shared<ProgressBar>(work, total);
    bar->Update(done);
    if (done == total) bar.reset();
  };
  return listener;
}

}  // namespace strop
