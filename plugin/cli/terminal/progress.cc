#include "plugin/cli/terminal/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/progress_bar.h"
#include "plugin/operations/train/run_lines.h"

namespace strop {
namespace {

void PrintLine(const std::vector<std::string>& parts) {
  std::fprintf(stderr, "%s\n", WrappedLine(parts, TerminalColumns()).c_str());
}

}  // namespace

Progress::Progress(const ProgressOptions& options)
    : options_(options), is_terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::OnStep(const StepReport& report) {
  samples_ += report.sample_count;
  ++steps_;
  const bool is_logged = options_.log_every > 0 && report.step % options_.log_every == 0;
  if (is_logged && options_.as_json) {
    PrintJsonLine(ToJson(report));
  } else if (is_logged) {
    ClearBar();
    PrintLine({absl::StrCat("step ", report.step), absl::StrFormat("loss %.6g", report.loss),
               absl::StrFormat("learning rate %.4g", report.learning_rate)});
  }
  if (is_terminal_) DrawBar(report);
}

void Progress::OnEpoch(const EpochReport& report) {
  ClearBar();
  if (options_.as_json) {
    PrintJsonLine(ToJson(report));
  } else {
    PrintLine(EpochParts(report, options_.epochs));
  }
}

void Progress::DrawBar(const StepReport& report) {
  const Clock::time_point now = Clock::now();
  const bool is_due = !has_bar_ || now - last_drawn_ > std::chrono::milliseconds(100);
  if (!is_due && report.step_of_epoch < report.steps_per_epoch) return;
  last_drawn_ = now;
  has_bar_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  int64_t all_steps = options_.epochs * report.steps_per_epoch;
  if (options_.steps) all_steps = std::min(all_steps, *options_.steps);
  const double left = seconds / static_cast<double>(steps_) *
                      static_cast<double>(std::max<int64_t>(all_steps - report.step, 0));
  const double share = static_cast<double>(report.step_of_epoch) /
                       static_cast<double>(std::max<int64_t>(report.steps_per_epoch, 1));
  const std::vector<std::string> details = {
      absl::StrFormat("loss %.4g", report.loss), DurationName(left) + " left",
      absl::StrFormat("%.0f samples/s", static_cast<double>(samples_) / std::max(seconds, 1e-9))};
  const std::string epoch = absl::StrCat("epoch ", report.epoch, "/", options_.epochs);
  std::fprintf(stderr, "\r\033[K%s", BarLine(epoch, share, details, TerminalColumns()).c_str());
  std::fflush(stderr);
}

void Progress::ClearBar() {
  if (!has_bar_) return;
  std::fprintf(stderr, "\r\033[K");
  has_bar_ = false;
}

}  // namespace strop
