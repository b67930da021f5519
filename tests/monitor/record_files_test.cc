// The files of a run: what a resumed run keeps of them, and what a full disk does to the run.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "plugin/monitor/json_lines_sink.h"
#include "plugin/monitor/record_line.h"
#include "plugin/monitor/scalar_csv_sink.h"

namespace strop {
namespace {

class RecordFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string(info->name()) + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }
  std::vector<std::string> Lines(const std::string& name) const {
    std::ifstream file(Path(name));
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::filesystem::path folder_;
};

Record ScalarRecord(int64_t step, int64_t epoch, const std::string& tag, double value) {
  const TaggedNumbers values = {{tag, value}};
  if (tag != "train/loss") return {step, epoch, 1.5, EpochScalars{values}};
  return {step, epoch, 1.5, Scalars{values}};
}

TEST_F(RecordFiles, NumbersComeBackToTheBit) {
  const double third = 1.0 / 3;
  const nlohmann::json line =
      nlohmann::json::parse(JsonLineOf(ScalarRecord(7, 2, "train/loss", third)));
  EXPECT_EQ(line["kind"], "scalars");
  EXPECT_EQ(line["step"], 7);
  EXPECT_EQ(line["epoch"], 2);
  EXPECT_EQ(line["values"]["train/loss"].get<double>(), third);
}

TEST_F(RecordFiles, JsonHasWordsForWhatIsNoNumber) {
  const auto written = [](double value) {
    const std::string line = JsonLineOf(ScalarRecord(1, 1, "train/loss", value));
    return nlohmann::json::parse(line)["values"]["train/loss"].get<std::string>();
  };
  EXPECT_EQ(written(std::nan("")), "NaN");
  EXPECT_EQ(written(INFINITY), "Infinity");
  EXPECT_EQ(written(-INFINITY), "-Infinity");
}

// A checkpoint after step 4 in epoch 2, whose first end the run had reached; the last line was cut
// short by a crash.
TEST_F(RecordFiles, ResumingDropsWhatCameAfterTheCheckpoint) {
  const std::vector<Record> records = {
      ScalarRecord(2, 1, "train/loss", 3), ScalarRecord(2, 1, "validation/loss", 3),
      ScalarRecord(4, 2, "train/loss", 2), ScalarRecord(4, 2, "validation/loss", 2),
      ScalarRecord(5, 3, "train/loss", 1)};
  {
    const auto json = *OpenJsonLines(Path("records.jsonl"), std::nullopt);
    const auto csv = *OpenScalarCsv(Path("scalars.csv"), std::nullopt);
    for (const Record& record : records) {
      ASSERT_TRUE(json->Write(record).ok());
      ASSERT_TRUE(csv->Write(record).ok());
    }
  }
  std::ofstream(Path("records.jsonl"), std::ios::app) << "{\"kind\":\"scalars\",\"step\":3";
  std::ofstream(Path("scalars.csv"), std::ios::app) << "3,2,";
  const ResumePoint resume{4, 1};
  {
    const auto json = *OpenJsonLines(Path("records.jsonl"), resume);
    const auto csv = *OpenScalarCsv(Path("scalars.csv"), resume);
    ASSERT_TRUE(json->Write(ScalarRecord(5, 3, "train/loss", 0.5)).ok());
    ASSERT_TRUE(csv->Write(ScalarRecord(5, 3, "train/loss", 0.5)).ok());
  }
  const std::vector<std::string> csv = {"step,epoch,time,tag,value", "2,1,1.500000,train/loss,3",
                                        "2,1,1.500000,validation/loss,3",
                                        "4,2,1.500000,train/loss,2", "5,3,1.500000,train/loss,0.5"};
  EXPECT_EQ(Lines("scalars.csv"), csv);
  std::vector<std::string> json;
  for (const size_t kept : {0, 1, 2}) json.push_back(JsonLineOf(records[kept]));
  json.push_back(JsonLineOf(ScalarRecord(5, 3, "train/loss", 0.5)));
  EXPECT_EQ(Lines("records.jsonl"), json);
}

TEST_F(RecordFiles, ResumingWithoutFilesBeginsThem) {
  const auto csv = *OpenScalarCsv(Path("scalars.csv"), ResumePoint{3, 1});
  ASSERT_TRUE(csv->Write(ScalarRecord(4, 1, "train/loss", 1)).ok());
  ASSERT_TRUE(csv->Flush().ok());
  EXPECT_EQ(Lines("scalars.csv").front(), "step,epoch,time,tag,value");
}

TEST_F(RecordFiles, AFullDiskIsSaid) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "the system has no /dev/full";
  const auto json = *OpenJsonLines("/dev/full", std::nullopt);
  absl::Status status = json->Write(ScalarRecord(1, 1, "train/loss", 1));
  status.Update(json->Flush());
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(std::string(status.message()).find("/dev/full"), std::string::npos);
}

}  // namespace
}  // namespace strop
