#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "plugin/training/run/checkpoint_writer.h"

namespace strop {

// How often a run is saved, besides at the end of its epochs.
struct CheckpointPolicy {
  int64_t steps = 0;   // every so many steps; 0: not by steps
  double seconds = 0;  // after so much time; 0: not by time
  int64_t keep = 3;    // the newest that stay, at least 1, besides the best
};

// Saves a run while it goes on. Call it between steps, on the run's thread. What goes wrong comes
// back with the next call: it need not end the training.
class Checkpointer {
 public:
  // `folder`, `state` and `store` are the run's and must outlive the object. `best_file` is the
  // resumed checkpoint's.
  Checkpointer(const RunFolder& folder, const RunState& state, const StateStore& store,
               const CheckpointPolicy& policy, Fingerprint fingerprint, std::string best_file = "");

  // Called before each checkpoint is taken, so that what belongs to it can be put on record first.
  void set_before_save(std::function<void()> before_save) { before_save_ = std::move(before_save); }

  // After a step.
  absl::Status OnStep();
  // At the end of an epoch.
  absl::Status OnEpoch(bool is_best);
  // Waits until everything is on the disk. Returns what became of the newest.
  absl::Status Finish() { return writer_.Finish(); }
  // Saves now and waits until the file, whose name comes back, is on the disk.
  absl::StatusOr<std::string> Save();

 private:
  using Clock = std::chrono::steady_clock;

  absl::Status Begin();

  const RunState& state_;
  const StateStore& store_;
  const CheckpointPolicy policy_;
  const Fingerprint fingerprint_;
  std::string best_file_;
  std::function<void()> before_save_ = [] {};
  Clock::time_point last_ = Clock::now();
  CheckpointWriter writer_;
};

}  // namespace strop
