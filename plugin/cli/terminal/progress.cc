#include "plugin/cli/terminal/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/progress_bar.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

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
    Json line = {{"step", report.step},
                 {"epoch", report.epoch},
                 {"loss", report.loss},
                 {"learning_rate", report.learning_rate}};
    if (report.gradient_norm) line["gradient_norm"] = *report.gradient_norm;
    PrintJsonLine(line);
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
    Json line = {
        {"epoch", report.epoch},
        {"step", report.step},
        {"train_loss", report.train_loss},
        {"validation_loss", report.validation_loss ? Json(*report.validation_loss) : Json(nullptr)},
        {"learning_rate", report.learning_rate},
        {"seconds", report.seconds}};
    for (const auto& [name, value] : report.metrics) line[name] = value;
    PrintJsonLine(line);
    return;
  }
  std::vector<std::string> parts = {absl::StrCat("epoch ", report.epoch, "/", options_.epochs),
                                    absl::StrFormat("train loss %.6g", report.train_loss)};
  if (report.validation_loss) {
    parts.push_back(absl::StrFormat("validation loss %.6g", *report.validation_loss));
  }
  for (const auto& [name, value] : report.metrics) {
    parts.push_back(absl::StrFormat("%s %.4f", name, value));
  }
  parts.push_back(absl::StrFormat("%.1f s", report.seconds));
  PrintLine(parts);
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
