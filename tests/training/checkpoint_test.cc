// Checkpoints and the folder that keeps them. That a resumed run gives the same bits is in
// tests/training/resume_test.cc and, with kill -9, in tests/cli/kill_test.py.

#include "plugin/training/run/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "plugin/training/run/checkpoint_writer.h"
#include "plugin/training/run/checkpointer.h"
#include "plugin/training/run/run_folder.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

// A folder that is empty at the beginning of a test and gone at its end.
class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/strop_checkpoint_test." + std::to_string(getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
};

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void Overwrite(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

Checkpoint SomeCheckpoint(int64_t step) {
  Checkpoint checkpoint;
  checkpoint.state.steps = step;
  checkpoint.state.batches = 3 * step;
  checkpoint.state.epochs = 2;
  checkpoint.state.batches_of_epoch = 5;
  checkpoint.state.weight_of_epoch = 160;
  checkpoint.state.loss_sum_of_epoch = 0.1 + 0.2;
  checkpoint.state.best_loss = 1.0 / 3;
  checkpoint.state.best_epoch = 1;
  checkpoint.state.plateau = {0.7, 3, 2, 1e-5};
  checkpoint.state.best_weights["w"] = Tensor::FromVector<float>({2}, {5, 6});
  checkpoint.store = {{"w", Tensor::FromVector<float>({2}, {1, 2})},
                      {"w/exp_avg", Tensor::FromVector<double>({2}, {0.25, 1e-300})},
                      {"count", Tensor::Scalar<int64_t>(step)}};
  checkpoint.fingerprint = {{"model", "abc"}, {"--seed", "1"}};
  checkpoint.best_file = "step-00000002.safetensors";
  return checkpoint;
}

void ExpectSame(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.type(), b.type());
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0);
}

TEST_F(CheckpointTest, ComesBackWhole) {
  Checkpoint written = SomeCheckpoint(7);
  written.state.best_loss = -std::numeric_limits<double>::infinity();
  ASSERT_TRUE(WriteCheckpoint(Path("a"), written).ok());
  const auto read = ReadCheckpoint(Path("a"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->state.steps, 7);
  EXPECT_EQ(read->state.batches, 21);
  EXPECT_EQ(read->state.epochs, 2);
  EXPECT_EQ(read->state.batches_of_epoch, 5);
  EXPECT_EQ(read->state.weight_of_epoch, 160);
  EXPECT_EQ(read->state.loss_sum_of_epoch, 0.1 + 0.2);
  EXPECT_EQ(read->state.best_loss, written.state.best_loss);
  EXPECT_EQ(read->state.best_epoch, 1);
  EXPECT_EQ(read->state.plateau.best_loss, 0.7);
  EXPECT_EQ(read->state.plateau.bad_epochs, 3);
  EXPECT_EQ(read->state.plateau.cooldown, 2);
  EXPECT_EQ(read->state.plateau.learning_rate, 1e-5);
  ExpectSame(read->state.best_weights.at("w"), written.state.best_weights.at("w"));
  EXPECT_EQ(read->fingerprint, written.fingerprint);
  EXPECT_EQ(read->best_file, written.best_file);
  ASSERT_EQ(read->store.size(), 3u);
  for (const NamedTensor& named : read->store) {
    for (const NamedTensor& other : written.store) {
      if (other.name == named.name) ExpectSame(other.tensor, named.tensor);
    }
  }
  const Checkpoint empty;
  ASSERT_TRUE(WriteCheckpoint(Path("b"), empty).ok());
  const auto again = ReadCheckpoint(Path("b"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->state.best_loss.has_value());
}

TEST_F(CheckpointTest, EveryFlippedBitIsFound) {
  ASSERT_TRUE(WriteCheckpoint(Path("a"), SomeCheckpoint(7)).ok());
  const std::string whole = Contents(Path("a"));
  ASSERT_TRUE(ReadCheckpoint(Path("a")).ok());
  for (size_t at = 0; at < whole.size(); ++at) {
    std::fstream file(Path("a"), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(whole[at] ^ (1 << (at % 8)))).flush();
    EXPECT_EQ(ReadCheckpoint(Path("a")).status().code(), absl::StatusCode::kDataLoss) << at;
    file.seekp(static_cast<std::streamoff>(at));
    file.put(whole[at]);
  }
}

TEST_F(CheckpointTest, InMemoryItIsTheFile) {
  const Checkpoint checkpoint = SomeCheckpoint(7);
  ASSERT_TRUE(WriteCheckpoint(Path("file"), checkpoint).ok());
  const absl::StatusOr<std::string> bytes = SerializeCheckpoint(checkpoint);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(*bytes, Contents(Path("file")));
  const absl::StatusOr<Checkpoint> parsed = ParseCheckpoint(*bytes, nullptr, "state");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(SerializeCheckpoint(*parsed).value(), *bytes);
  const absl::Status damaged =
      ParseCheckpoint(bytes->substr(0, bytes->size() - 1), nullptr, "state").status();
  EXPECT_EQ(damaged.code(), absl::StatusCode::kDataLoss);
}

TEST_F(CheckpointTest, EveryTruncationIsFound) {
  ASSERT_TRUE(WriteCheckpoint(Path("a"), SomeCheckpoint(7)).ok());
  const std::string whole = Contents(Path("a"));
  for (size_t size = 0; size < whole.size(); size += 31) {
    Overwrite(Path("a"), whole.substr(0, size));
    EXPECT_EQ(ReadCheckpoint(Path("a")).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  Overwrite(Path("a"), whole + "x");
  EXPECT_EQ(ReadCheckpoint(Path("a")).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadCheckpoint(Path("missing")).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CheckpointTest, AnotherModelIsRefused) {
  StateStore store;
  const auto add = [&store](const std::string& name, const Tensor& tensor) {
    Value value;
    value.name = name;
    value.tensor = tensor;
    value.type = {tensor.type(), tensor.shape()};
    ASSERT_TRUE(store.FindOrAdd(value).ok());
  };
  const Checkpoint checkpoint = SomeCheckpoint(7);
  EXPECT_EQ(RestoreStore(checkpoint, store).code(), absl::StatusCode::kInvalidArgument);
  for (const NamedTensor& named : checkpoint.store) add(named.name, named.tensor);
  EXPECT_TRUE(RestoreStore(checkpoint, store).ok());
  add("another", Tensor::Scalar<float>(0));
  const absl::Status status = RestoreStore(checkpoint, store);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("another"), absl::string_view::npos);
}

TEST_F(CheckpointTest, ADifferentRunIsNamed) {
  const Fingerprint saved = {{"model", "1"}, {"--seed", "1"}, {"--momentum", "0.9"}};
  EXPECT_TRUE(CheckSameFingerprint(saved, saved).ok());
  const absl::Status status =
      CheckSameFingerprint(saved, {{"model", "2"}, {"--seed", "2"}, {"--nesterov", "true"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  for (const char* part : {"the model is another", "--seed is 2, was 1",
                           "--momentum is not given, was 0.9", "--nesterov is true"}) {
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << status;
  }
}

TEST_F(CheckpointTest, TwoRunsOnOneFolderAreKeptApart) {
  {
    const auto first = RunFolder::Open(Path("run"));
    ASSERT_TRUE(first.ok()) << first.status();
    const absl::Status second = RunFolder::Open(Path("run")).status();
    EXPECT_EQ(second.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_NE(second.message().find(std::to_string(getpid())), absl::string_view::npos) << second;
  }
  EXPECT_TRUE(RunFolder::Open(Path("run")).ok());
  Overwrite(Path("file"), "");
  EXPECT_EQ(RunFolder::Open(Path("file")).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(CheckpointTest, ADamagedNewestFallsBack) {
  const auto folder = RunFolder::Open(Path("run"));
  ASSERT_TRUE(folder.ok());
  EXPECT_FALSE(folder->NewestCheckpoint()->checkpoint.has_value());
  for (const int64_t step : {9, 10, 123456789}) {
    const std::string path = folder->CheckpointPath(RunFolder::CheckpointName(step));
    ASSERT_TRUE(WriteCheckpoint(path, SomeCheckpoint(step)).ok());
  }
  Overwrite(folder->CheckpointPath("step-00000011.safetensors"), "nothing");
  Overwrite(folder->CheckpointPath("step-x.safetensors"), "not ours");
  EXPECT_EQ(folder->NewestCheckpoint()->name, "step-123456789.safetensors");
  fs::resize_file(folder->CheckpointPath("step-123456789.safetensors"), 300);
  const auto found = folder->NewestCheckpoint();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->name, "step-00000010.safetensors");
  EXPECT_EQ(found->checkpoint->state.steps, 10);
  EXPECT_EQ(found->damaged.size(), 2u);
  EXPECT_EQ(folder->Checkpoints().size(), 2u);
  EXPECT_TRUE(fs::exists(folder->CheckpointPath("step-00000011.safetensors.damaged")));
}

TEST_F(CheckpointTest, WhatAKilledProcessLeftIsRemoved) {
  fs::create_directories(Path("run/checkpoints"));
  Overwrite(Path("run/checkpoints/step-00000003.safetensors.1-0.part"), "half");
  Overwrite(Path("run/checkpoints/mine.part"), "not ours");
  ASSERT_TRUE(RunFolder::Open(Path("run")).ok());
  EXPECT_FALSE(fs::exists(Path("run/checkpoints/step-00000003.safetensors.1-0.part")));
  EXPECT_TRUE(fs::exists(Path("run/checkpoints/mine.part")));
}

// Needs no OpenMP: also run under the thread sanitizer.
TEST_F(CheckpointTest, TheWriterKeepsTheNewestAndTheBest) {
  const auto folder = RunFolder::Open(Path("run"));
  ASSERT_TRUE(folder.ok());
  {
    CheckpointWriter writer(*folder, 3);
    for (int64_t step = 1; step <= 20; ++step) {
      EXPECT_TRUE(writer.Write(SomeCheckpoint(step)).ok());  // the best is step 2
    }
    EXPECT_TRUE(writer.Finish().ok());
    EXPECT_EQ(folder->Checkpoints(),
              (std::vector<std::string>{"step-00000020.safetensors", "step-00000019.safetensors",
                                        "step-00000018.safetensors", "step-00000002.safetensors"}));
    EXPECT_TRUE(writer.Write(SomeCheckpoint(21)).ok());
  }  // waits
  EXPECT_EQ(folder->NewestCheckpoint()->checkpoint->state.steps, 21);
}

TEST_F(CheckpointTest, RecordsAreWrittenBeforeWhatCountsOnThem) {
  const auto folder = RunFolder::Open(Path("run"));
  ASSERT_TRUE(folder.ok());
  RunState state;
  const StateStore store;
  Checkpointer checkpointer(*folder, state, store, {.steps = 2, .keep = 9}, {});
  std::vector<int64_t> flushed;
  checkpointer.set_before_save([&] {
    EXPECT_FALSE(fs::exists(folder->CheckpointPath(RunFolder::CheckpointName(state.steps))));
    flushed.push_back(state.steps);
  });
  for (state.steps = 1; state.steps <= 5; ++state.steps) {
    EXPECT_TRUE(checkpointer.OnStep().ok());
  }
  EXPECT_TRUE(checkpointer.OnEpoch(false).ok());
  ++state.steps;
  EXPECT_TRUE(checkpointer.Save().ok());
  EXPECT_EQ(flushed, (std::vector<int64_t>{2, 4, 6, 7}));
  EXPECT_EQ(folder->Checkpoints().size(), flushed.size());
}

TEST_F(CheckpointTest, TheWriterTellsWhatWentWrong) {
  const auto folder = RunFolder::Open(Path("run"));
  ASSERT_TRUE(folder.ok());
  fs::remove_all(Path("run/checkpoints"));
  CheckpointWriter writer(*folder, 3);
  EXPECT_TRUE(writer.Write(SomeCheckpoint(1)).ok());
  EXPECT_EQ(writer.Finish().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(writer.Finish().ok());  // told once
}

}  // namespace
}  // namespace strop
