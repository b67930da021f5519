#include "plugin/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "plugin/cli/progress_bar.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kBarWidth = 24;

void PrintJsonLine(const Json& line) {
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
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
    std::fprintf(stderr, "step %lld  loss %.6g  learning rate %.4g\n",
                 static_cast<long long>(report.step), report.loss, report.learning_rate);
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
  std::fprintf(stderr, "epoch %lld/%lld  train loss %.6g", static_cast<long long>(report.epoch),
               static_cast<long long>(options_.epochs), report.train_loss);
  if (report.validation_loss) {
    std::fprintf(stderr, "  validation loss %.6g", *report.validation_loss);
  }
  for (const auto& [name, value] : report.metrics) {
    std::fprintf(stderr, "  %s %.4f", name.c_str(), value);
  }
  std::fprintf(stderr, "  %.1f s\n", report.seconds);
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
  const int64_t filled = kBarWidth * report.step_of_epoch / report.steps_per_epoch;
  std::string bar(static_cast<size_t>(filled), '=');
  bar.resize(kBarWidth, ' ');
  std::fprintf(stderr, "\r\033[Kepoch %lld/%lld [%s] loss %.4g  %.0f samples/s  %s left",
               static_cast<long long>(report.epoch), static_cast<long long>(options_.epochs),
               bar.c_str(), report.loss, static_cast<double>(samples_) / std::max(seconds, 1e-9),
               DurationName(left).c_str());
  std::fflush(stderr);
}

void Progress::ClearBar() {
  if (!has_bar_) return;
  std::fprintf(stderr, "\r\033[K");
  has_bar_ = false;
}

}  // namespace strop
