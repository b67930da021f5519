// What a run's records come back as: damage, breaks, numbers that are none, long runs.

#include "plugin/report/run_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "plugin/monitor/record_line.h"
#include "plugin/report/report_page.h"

namespace strop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class RunRecordsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string(info->name()) + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    file_.open(folder_ / "records.jsonl");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Add(Record record) { AddLine(JsonLineOf(record)); }
  void AddLine(const std::string& line) { file_ << line << '\n'; }
  void AddScalars(int64_t step, int64_t epoch, double time, const std::string& tag, double value,
                  bool is_epoch_end = false) {
    const TaggedNumbers values = {{tag, value}};
    if (is_epoch_end) {
      Add({step, epoch, time, EpochScalars{values}});
    } else {
      Add({step, epoch, time, Scalars{values}});
    }
  }
  absl::StatusOr<RunRecords> Read() {
    file_.flush();
    return ReadRunRecords(folder_.string());
  }

  std::filesystem::path folder_;
  std::ofstream file_;
};

TEST_F(RunRecordsTest, AMissingFolderAndAnEmptyOneAreNotFound) {
  EXPECT_EQ(ReadRunRecords((folder_ / "none").string()).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);  // an empty file
  AddLine("no record");
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);
  std::filesystem::remove(folder_ / "records.jsonl");
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RunRecordsTest, DamagedLinesAreLeftOut) {
  AddScalars(1, 1, 10, "train/loss", 3);
  AddLine("{\"kind\":\"scalars\",\"step\":2,");
  AddScalars(3, 1, 12, "train/loss", std::nan(""));
  file_ << R"({"kind":"end","step":3)";  // cut short
  const auto run = Read();
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->damaged_lines, 2);
  EXPECT_FALSE(run->end.has_value());
  const Curve* loss = run->FindCurve("train/loss");
  ASSERT_NE(loss, nullptr);
  EXPECT_THAT(loss->steps, ElementsAre(1, 3));
  EXPECT_EQ(loss->values[0], 3);
  EXPECT_TRUE(std::isnan(loss->values[1]));
  const std::string page = ReportPage(*run).Html();
  EXPECT_THAT(page, HasSubstr("2 lines of records.jsonl could not be read"));
}

TEST_F(RunRecordsTest, AMetricThatComesLaterHasGapsBefore) {
  AddScalars(4, 1, 10, "validation/loss", 3, true);
  Add({8, 2, 20, EpochScalars{{{"validation/loss", 2.0}, {"validation/accuracy", 0.5}}}});
  AddScalars(12, 3, 30, "validation/loss", std::nan(""), true);
  const auto run = Read();
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_THAT(run->epochs.steps, ElementsAre(4, 8, 12));
  const std::vector<double>& accuracy = *run->epochs.Find("validation/accuracy");
  ASSERT_THAT(accuracy, SizeIs(3));
  EXPECT_TRUE(std::isnan(accuracy[0]) && accuracy[1] == 0.5 && std::isnan(accuracy[2]));
  EXPECT_EQ(run->BestEpoch(), 1u);  // NaN is no best
}

TEST_F(RunRecordsTest, ABreakIsNoWork) {
  Add({0, 0, 100, RunStart{"strop", {}}});
  AddScalars(5, 1, 107, "train/loss", 1);
  Add({5, 1, 110, RunEnd{RunStatus::kStoppedBySignal, "after 5 steps"}});
  Add({5, 1, 1000, RunResume()});
  AddScalars(9, 2, 1004, "train/loss", 1);
  const auto run = Read();
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->seconds, 14);
  EXPECT_THAT(run->resumed_after, ElementsAre(5));
  EXPECT_FALSE(run->end.has_value());
  EXPECT_EQ(run->step_count, 9);
}

TEST_F(RunRecordsTest, TheConfusionOfTheBestEpochIsKept) {
  const double losses[] = {3, 1, 2};
  for (int64_t epoch = 1; epoch <= 3; ++epoch) {
    AddScalars(epoch, epoch, 0, "validation/loss", losses[epoch - 1], true);
    Add({epoch, epoch, 0, ConfusionMatrix{"m", {"a"}, {{epoch}}}});
  }
  const auto run = Read();
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->best_confusion->epoch, 2);
  EXPECT_EQ(run->best_confusion->content.counts[0][0], 2);
  EXPECT_EQ(run->last_confusion->epoch, 3);
}

// Kinds that pages show as they are: all of a run, or the last, and never more than fit.
TEST_F(RunRecordsTest, OtherKindsAreKeptAsTheySay) {
  for (int64_t step = 1; step <= 5000; ++step) {
    Add({step, 2, 0, HealthFinding{"dead_units", true, "some", {}}});
    Add({step, 2, 0, WorstExamples{"e", {{step, "a", "b", 1, 0, 0, ""}}}});
  }
  const auto run = Read();
  ASSERT_TRUE(run.ok()) << run.status();
  const auto& findings = run->All<HealthFinding>();
  EXPECT_GT(findings.size(), 500u);
  EXPECT_LE(findings.size(), 1024u);
  EXPECT_EQ(findings[0].step, 1);
  EXPECT_EQ(findings[2].step - findings[1].step, findings[1].step - findings[0].step);
  EXPECT_EQ(findings[2].content.finding, "dead_units");
  EXPECT_THAT(run->All<WorstExamples>(), SizeIs(1));
  const auto* worst = run->Last<WorstExamples>();
  ASSERT_NE(worst, nullptr);
  EXPECT_EQ(worst->epoch, 2);
  EXPECT_EQ(worst->content.examples[0].sample, 5000);
  EXPECT_EQ(run->Last<PredictedAgainstTrue>(), nullptr);
}

// 20,000 records of layers come down to evenly spread ones; curves stay whole.
TEST_F(RunRecordsTest, LongRunsAreThinned) {
  constexpr int64_t kSteps = 20000;
  for (int64_t step = 1; step <= kSteps; ++step) {
    const double value = static_cast<double>(step);
    Add({step, 1, 0, Scalars{{{"train/loss", value}, {"gradient_rms/w", value}}}});
    Add({step, 1, 0, Histogram{"weights/w", 1, value, value, 0, 0, {0, 1}, {1}}});
  }
  const auto run = Read();
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_THAT(run->FindCurve("train/loss")->values, SizeIs(kSteps));
  const RecordTable& measured = run->measured;
  ASSERT_GT(measured.row_count(), 500u);
  ASSERT_LE(measured.row_count(), 1024u);
  const int64_t stride = measured.steps[1] - measured.steps[0];
  EXPECT_EQ(measured.steps[0], 1);
  EXPECT_GT(measured.steps.back(), kSteps - stride);
  for (size_t i = 0; i < measured.row_count(); ++i) {
    ASSERT_EQ(measured.steps[i], 1 + static_cast<int64_t>(i) * stride);
    ASSERT_EQ((*measured.Find("gradient_rms/w"))[i], static_cast<double>(measured.steps[i]));
  }
  const auto& histograms = run->histograms.at("weights/w");
  EXPECT_GT(histograms.size(), 60u);
  EXPECT_LE(histograms.size(), 128u);
  for (const auto& [step, histogram] : histograms) {
    ASSERT_EQ(histogram.minimum, static_cast<double>(step));
  }
  EXPECT_LT(ReportPage(*run).Html().size(), 6'000'000u);  // most of it the library
}

// A page is made of whatever is there.
TEST_F(RunRecordsTest, APageOfNearlyNothing) {
  Add({0, 0, 0, RunStart{"strop", {}}});
  const auto run = Read();
  ASSERT_TRUE(run.ok()) << run.status();
  const std::string page = ReportPage(*run).Html();
  for (const char* said :
       {"No loss was recorded", "No metric was recorded", "No confusion matrix was recorded",
        "No layer was measured", "No histogram was recorded", "The folder holds no config.toml"}) {
    EXPECT_THAT(page, HasSubstr(said));
  }
}

// Numbers that are none, everywhere.
TEST_F(RunRecordsTest, APageOfNoNumbers) {
  const double kNone = std::nan("");
  Scalars step;
  for (const char* tag : {"train/loss", "train/learning_rate", "train/gradient_norm",
                          "gradient_norm/w", "gradient_rms/w", "weight_norm/w", "update_ratio/w",
                          "activation_mean/n", "activation_deviation/n", "activation_saturated/n",
                          "throughput/step_seconds", "memory/peak_mib"}) {
    step.values.emplace_back(tag, kNone);
  }
  Add({1, 1, 0, step});
  Add({1, 1, 0, EpochScalars{{{"validation/loss", kNone}, {"validation/f1", kNone}}}});
  Add({1, 1, 0, Histogram{"weights/w", 0, INFINITY, -INFINITY, kNone, kNone, {}, {}}});
  const auto run = Read();
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_FALSE(run->BestEpoch().has_value());
  EXPECT_THAT(ReportPage(*run).Html(), HasSubstr("Gradients by layer"));
}

}  // namespace
}  // namespace strop
