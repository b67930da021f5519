// The writing thread. Runs without OpenMP, so that the thread sanitizer sees nothing but it.

#include "plugin/monitor/record_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

namespace strop {
namespace {

struct Written {
  std::vector<int64_t> steps;
  int flushes = 0;
};

class Sink : public RecordSink {
 public:
  explicit Sink(std::shared_ptr<Written> written, int64_t fails_at = -1)
      : written_(std::move(written)), fails_at_(fails_at) {}

  absl::Status Write(const Record& record) override {
    if (record.step == fails_at_) return absl::ResourceExhaustedError("no space");
    if (record.step % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    written_->steps.push_back(record.step);
    return absl::OkStatus();
  }
  absl::Status Flush() override {
    ++written_->flushes;
    return absl::OkStatus();
  }

 private:
  std::shared_ptr<Written> written_;
  int64_t fails_at_;
};

Record Step(int64_t step) { return {step, 1, 0, Scalars()}; }

void IgnoreWarnings(const absl::Status&) {}

template <typename... Sinks>
std::vector<std::unique_ptr<RecordSink>> List(Sinks... sinks) {
  std::vector<std::unique_ptr<RecordSink>> list;
  (list.push_back(std::move(sinks)), ...);
  return list;
}

TEST(RecordWriter, KeepsEveryRecordInOrderThroughAShortQueue) {
  const auto written = std::make_shared<Written>();
  std::vector<int64_t> steps;
  {
    RecordWriter writer(List(std::make_unique<Sink>(written)), IgnoreWarnings, /*capacity=*/4);
    for (int64_t step = 0; step < 2000; ++step) {
      writer.Add(Step(step));
      steps.push_back(step);
    }
  }
  EXPECT_EQ(written->steps, steps);
}

TEST(RecordWriter, FlushLeavesNothingBehind) {
  const auto written = std::make_shared<Written>();
  RecordWriter writer(List(std::make_unique<Sink>(written)), IgnoreWarnings);
  for (int64_t round = 1; round <= 50; ++round) {
    for (int64_t step = 0; step < 10; ++step) writer.Add(Step(step));
    writer.Flush();
    ASSERT_EQ(written->steps.size(), static_cast<size_t>(10 * round));
    ASSERT_GT(written->flushes, 0);
  }
  EXPECT_TRUE(writer.Finish().ok());
}

TEST(RecordWriter, ASinkThatFailsIsDroppedAndTheOthersGoOn) {
  const auto good = std::make_shared<Written>();
  const auto bad = std::make_shared<Written>();
  std::atomic<int> warnings{0};
  RecordWriter writer(
      List(std::make_unique<Sink>(bad, /*fails_at=*/5), std::make_unique<Sink>(good)),
      [&warnings](const absl::Status&) { ++warnings; });
  for (int64_t step = 0; step < 100; ++step) writer.Add(Step(step));
  EXPECT_EQ(writer.Finish().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(warnings, 1);
  EXPECT_EQ(bad->steps.size(), 5u);
  EXPECT_EQ(good->steps.size(), 100u);
}

}  // namespace
}  // namespace strop
