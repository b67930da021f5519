#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "plugin/training/run/checkpoint.h"
#include "plugin/training/run/run_folder.h"

namespace strop {

// Writes a run's checkpoints in a thread of its own while the training goes on, one at a time, and
// removes old ones. Its methods are for one thread.
class CheckpointWriter {
 public:
  // `folder` must outlive the writer. Keeps the `keep` newest, at least one, and the best.
  CheckpointWriter(const RunFolder& folder, int64_t keep);
  // Waits for what is being written.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // Hands a checkpoint over, waiting first for the one before. Returns what became of that.
  absl::Status Write(Checkpoint checkpoint);

  // Waits until everything is on the disk. Returns what became of the newest.
  absl::Status Finish();

 private:
  void Work();
  absl::Status WaitUntilIdle(std::unique_lock<std::mutex>& lock);

  const RunFolder& folder_;
  const int64_t keep_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Checkpoint> waiting_;  // what the thread takes next
  bool is_writing_ = false;
  bool ends_ = false;
  absl::Status outcome_;  // of the newest that was written, until it is asked for

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace strop
