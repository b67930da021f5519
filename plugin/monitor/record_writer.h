#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "plugin/monitor/record_sink.h"

namespace strop {

// Writes records to sinks on a thread of its own, in the order in which they were added. The queue
// is bounded: when the disk falls behind, Add waits. Whenever the queue runs empty everything is
// handed to the operating system, so that even a process that is killed loses the last moment at
// most. A sink that fails (a full disk) is dropped with one warning and the others go on: a run is
// worth more than its records. Add, Flush and Finish belong to one thread.
class RecordWriter {
 public:
  // `warn` is called on the writing thread, once a sink that fails.
  RecordWriter(std::vector<std::unique_ptr<RecordSink>> sinks,
               std::function<void(const absl::Status&)> warn, size_t capacity = 1024);
  // Writes what was added.
  ~RecordWriter();
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  void Add(Record record);

  // Waits until everything that was added is with the operating system.
  void Flush();

  // Flushes and ends the thread; the first failure of any sink.
  absl::Status Finish();

 private:
  void Write();
  void WriteBatch(std::deque<Record>& batch);
  void Fail(std::unique_ptr<RecordSink>& sink, const absl::Status& status);

  std::vector<std::unique_ptr<RecordSink>> sinks_;  // the thread's own; null once failed
  std::function<void(const absl::Status&)> warn_;
  const size_t capacity_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Record> queue_;
  bool is_writing_ = false;
  bool ends_ = false;
  absl::Status failure_;

  std::thread thread_;
};

}  // namespace strop
