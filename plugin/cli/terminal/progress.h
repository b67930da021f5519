#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "plugin/training/run/trainer.h"

namespace strop {

// What a training tells people and programs while it runs.
struct ProgressOptions {
  bool as_json = false;   // JSON lines on stdout
  int64_t log_every = 0;  // steps between lines about a step; 0: none
  int64_t epochs = 1;
  std::optional<int64_t> steps;
};

// A live bar on stderr while that is a terminal, a line an epoch (stderr for people, stdout as
// JSON).
class Progress {
 public:
  explicit Progress(const ProgressOptions& options);

  void OnStep(const StepReport& report);
  void OnEpoch(const EpochReport& report);
  // Makes place for a line about something else.
  void ClearBar();

 private:
  using Clock = std::chrono::steady_clock;

  void DrawBar(const StepReport& report);

  ProgressOptions options_;
  bool is_terminal_ = false;
  bool has_bar_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_drawn_;
  int64_t samples_ = 0;  // since start_, as steps_: a run that goes on has more
  int64_t steps_ = 0;
};

}  // namespace strop
