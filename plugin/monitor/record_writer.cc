#include "plugin/monitor/record_writer.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace strop {
namespace {

// A thread that starts with every signal blocked leaves them to the thread that runs the training.
template <typename Body>
std::thread StartWithoutSignals(Body body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

RecordWriter::RecordWriter(std::vector<std::unique_ptr<RecordSink>> sinks,
                           std::function<void(const absl::Status&)> warn, size_t capacity)
    : sinks_(std::move(sinks)), warn_(std::move(warn)), capacity_(capacity) {
  thread_ = StartWithoutSignals([this] { Write(); });
}

RecordWriter::~RecordWriter() { (void)Finish(); }

void RecordWriter::Add(Record record) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.size() < capacity_; });
  queue_.push_back(std::move(record));
  changed_.notify_all();
}

void RecordWriter::Flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty() && !is_writing_; });
}

absl::Status RecordWriter::Finish() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  return failure_;
}

void RecordWriter::Write() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ends_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::deque<Record> batch = std::exchange(queue_, {});
    is_writing_ = true;
    changed_.notify_all();
    lock.unlock();
    WriteBatch(batch);
    lock.lock();
    is_writing_ = false;
    changed_.notify_all();
  }
}

void RecordWriter::WriteBatch(std::deque<Record>& batch) {
  for (std::unique_ptr<RecordSink>& sink : sinks_) {
    absl::Status status;
    for (size_t i = 0; i < batch.size() && sink != nullptr && status.ok(); ++i) {
      status = sink->Write(batch[i]);
    }
    if (sink != nullptr && status.ok()) status = sink->Flush();
    if (!status.ok()) Fail(sink, status);
  }
}

void RecordWriter::Fail(std::unique_ptr<RecordSink>& sink, const absl::Status& status) {
  sink.reset();
  warn_(status);
  const std::lock_guard lock(mutex_);
  failure_.Update(status);
}

}  // namespace strop
