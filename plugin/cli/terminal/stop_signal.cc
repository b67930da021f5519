#include "plugin/cli/terminal/stop_signal.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

namespace strop {
namespace {

volatile std::sig_atomic_t caught_signal = 0;

void Remember(int signal) { caught_signal = signal; }

}  // namespace

void CatchStopSignals() {
  struct sigaction action = {};
  action.sa_handler = Remember;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int CaughtSignal() { return caught_signal; }

bool ShouldStop() {
  static const bool catches = [] {
    CatchStopSignals();
    return true;
  }();
  return catches && caught_signal != 0;
}

void EndWithParent(int64_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) std::raise(SIGTERM);
}

}  // namespace strop
