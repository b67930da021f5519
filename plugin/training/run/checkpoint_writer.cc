#include "plugin/training/run/checkpoint_writer.h"

#include <utility>

#include "graph/status_macros.h"

namespace strop {
namespace {

absl::Status WriteAndClean(const RunFolder& folder, const Checkpoint& checkpoint, int64_t keep) {
  const std::string name = RunFolder::CheckpointName(checkpoint.state.steps);
  STROP_RETURN_IF_ERROR(WriteCheckpoint(folder.CheckpointPath(name), checkpoint));
  return folder.RemoveOldCheckpoints(keep, checkpoint.best_file);
}

}  // namespace

CheckpointWriter::CheckpointWriter(const RunFolder& folder, int64_t keep)
    : folder_(folder), keep_(keep), thread_([this] { Work(); }) {}

CheckpointWriter::~CheckpointWriter() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

absl::Status CheckpointWriter::Write(Checkpoint checkpoint) {
  std::unique_lock<std::mutex> lock(mutex_);
  absl::Status outcome = WaitUntilIdle(lock);
  waiting_ = std::move(checkpoint);
  changed_.notify_all();
  return outcome;
}

absl::Status CheckpointWriter::Finish() {
  std::unique_lock<std::mutex> lock(mutex_);
  return WaitUntilIdle(lock);
}

absl::Status CheckpointWriter::WaitUntilIdle(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return !waiting_ && !is_writing_; });
  return std::exchange(outcome_, absl::OkStatus());
}

void CheckpointWriter::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return waiting_ || ends_; });
    if (!waiting_) return;
    std::optional<Checkpoint> checkpoint = std::exchange(waiting_, std::nullopt);
    is_writing_ = true;
    lock.unlock();
    absl::Status outcome = WriteAndClean(folder_, *checkpoint, keep_);
    checkpoint.reset();  // its memory before the next one's
    lock.lock();
    outcome_ = std::move(outcome);
    is_writing_ = false;
    changed_.notify_all();
  }
}

}  // namespace strop
