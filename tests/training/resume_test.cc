// A run that is stopped after any step and goes on from its checkpoint in another trainer ends with
// the bits of the run that was not.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "plugin/training/run/checkpoint.h"
#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

// Nine batches an epoch, the last one short; validation in short ones too.
std::unique_ptr<Trainer> MakeTrainer(const TrainingOptions& options) {
  auto trainer = Trainer::Create(ToyClassifier(), options, Moons(70, 1), Moons(50, 2));
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

TrainingOptions ShortRun() {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("adam");
  options.learning_rate = 0.05;
  options.epochs = 4;
  options.batch_size = 8;
  options.seed = 3;
  options.early_stopping_patience = 2;
  return options;
}

void ExpectSameStates(const Trainer& a, const Trainer& b) {
  ASSERT_EQ(a.store()->Names(), b.store()->Names());
  for (const std::string& name : a.store()->Names()) {
    const Tensor x = *a.store()->Read(name);
    const Tensor y = *b.store()->Read(name);
    EXPECT_EQ(std::memcmp(x.data(), y.data(), x.bytes()), 0) << name;
  }
  EXPECT_EQ(a.state().steps, b.state().steps);
  EXPECT_EQ(a.state().best_loss, b.state().best_loss);
  EXPECT_EQ(a.state().best_epoch, b.state().best_epoch);
}

// Stops after `stop` steps; a new trainer goes on from the file.
std::unique_ptr<Trainer> RunInTwoPieces(const TrainingOptions& options, int64_t stop) {
  const std::string path = ::testing::TempDir() + "/strop_resume_test." + std::to_string(getpid());
  const std::unique_ptr<Trainer> first = MakeTrainer(options);
  const auto save_and_stop = [&] {
    if (first->state().steps < stop) return false;
    EXPECT_TRUE(WriteCheckpoint(path, *TakeCheckpoint(first->state(), *first->store())).ok());
    return true;
  };
  EXPECT_TRUE(first->Run({.should_stop = save_and_stop})->was_stopped);
  std::unique_ptr<Trainer> second = MakeTrainer(options);
  const auto checkpoint = ReadCheckpoint(path);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_TRUE(RestoreStore(*checkpoint, *second->store()).ok());
  second->set_state(checkpoint->state);
  EXPECT_TRUE(second->Run().ok());
  std::filesystem::remove(path);
  return second;
}

TEST(Resume, AfterAnyStepGivesTheSameBits) {
  const TrainingOptions options = ShortRun();
  const std::unique_ptr<Trainer> whole = MakeTrainer(options);
  ASSERT_TRUE(whole->Run().ok());
  ASSERT_EQ(whole->state().steps, 36);
  for (const int64_t stop : {1, 2, 8, 9, 10, 17, 18, 27, 35, 36}) {
    SCOPED_TRACE(stop);
    ExpectSameStates(*whole, *RunInTwoPieces(options, stop));
  }
}

// Between two steps nothing of the ascent matters any more.
TEST(Resume, SharpnessAwareRunsGiveTheSameBits) {
  TrainingOptions options = ShortRun();
  options.graph.sharpness.rho = 0.1;
  options.accumulation_steps = 2;
  const std::unique_ptr<Trainer> whole = MakeTrainer(options);
  ASSERT_TRUE(whole->Run().ok());
  for (const int64_t stop : {1, 4, 5, 6, 11}) {
    SCOPED_TRACE(stop);
    ExpectSameStates(*whole, *RunInTwoPieces(options, stop));
  }
}

TEST(Resume, ALimitInsideAnEpochIsReportedOnce) {
  TrainingOptions options = ShortRun();
  options.steps = 13;
  const std::unique_ptr<Trainer> whole = MakeTrainer(options);
  ASSERT_TRUE(whole->Run().ok());
  ASSERT_EQ(whole->state().steps, 13);
  for (const int64_t stop : {9, 12, 13}) {
    SCOPED_TRACE(stop);
    const std::unique_ptr<Trainer> pieces = RunInTwoPieces(options, stop);
    ExpectSameStates(*whole, *pieces);
    int reports = 0;
    EXPECT_TRUE(pieces->Run({.on_epoch = [&](const EpochReport&) { ++reports; }}).ok());
    EXPECT_EQ(reports, 0);  // it is over
  }
}

}  // namespace
}  // namespace strop
