// Steps on batches of the caller's are those of a run that reads the same batches.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "plugin/data/batch_reader.h"
#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

constexpr int64_t kSamples = 70;
constexpr int64_t kBatch = 16;

TrainingOptions Options() {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("adam");
  options.learning_rate = 0.05;
  options.epochs = 3;
  options.batch_size = kBatch;
  options.shuffle = false;
  options.seed = 3;
  return options;
}

std::unique_ptr<Trainer> MakeTrainer(const TrainingOptions& options) {
  auto trainer = Trainer::Create(ToyClassifier(), options, Moons(kSamples, 1), Moons(50, 2));
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

void ExpectSameBits(const Trainer& a, const Trainer& b) {
  ASSERT_EQ(a.store()->Names(), b.store()->Names());
  for (const std::string& name : a.store()->Names()) {
    const Tensor x = *a.store()->Read(name);
    const Tensor y = *b.store()->Read(name);
    EXPECT_EQ(std::memcmp(x.data(), y.data(), x.bytes()), 0) << name;
  }
}

// Hands the trainer the batches of `epochs` epochs, as its run would read them.
std::vector<StepReport> StepThrough(Trainer& trainer, int64_t epochs) {
  std::vector<StepReport> reports;
  const std::unique_ptr<ToyData> data = Moons(kSamples, 1);
  BatchReader reader(*data);
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (int64_t first = 0; first < kSamples; first += kBatch) {
      std::vector<int64_t> samples(static_cast<size_t>(std::min(kBatch, kSamples - first)));
      std::iota(samples.begin(), samples.end(), first);
      const auto report = trainer.Step(*reader.Read(samples));
      EXPECT_TRUE(report.ok()) << report.status();
      reports.push_back(*report);
    }
  }
  return reports;
}

TEST(TrainerStep, OnTheCallersBatchesIsTheRuns) {
  TrainingOptions with_average = Options();
  with_average.averaging.ema_decay = 0.9;
  TrainingOptions with_epochs = Options();
  with_epochs.averaging.swa_start = 2;
  with_epochs.graph.unfreezing = {{2, "w1"}};
  TrainingOptions with_passes = Options();
  with_passes.graph.sharpness.rho = 0.05;
  with_passes.mix.mixup_alpha = 0.4;
  for (const TrainingOptions& options : {Options(), with_average, with_epochs, with_passes}) {
    const auto run = MakeTrainer(options);
    std::vector<StepReport> expected;
    const auto result =
        run->Run({.on_step = [&](const StepReport& step) { expected.push_back(step); }});
    ASSERT_TRUE(result.ok()) << result.status();
    const auto stepped = MakeTrainer(options);
    const std::vector<StepReport> reports = StepThrough(*stepped, options.epochs);
    ASSERT_EQ(reports.size(), expected.size());
    for (size_t i = 0; i < reports.size(); ++i) {
      EXPECT_EQ(reports[i].step, expected[i].step);
      EXPECT_EQ(reports[i].epoch, expected[i].epoch);
      EXPECT_EQ(reports[i].step_of_epoch, expected[i].step_of_epoch);
      EXPECT_EQ(reports[i].sample_count, expected[i].sample_count);
      EXPECT_EQ(reports[i].learning_rate, expected[i].learning_rate);
      EXPECT_EQ(reports[i].loss, expected[i].loss);
    }
    const auto finished = stepped->Finish();
    ASSERT_TRUE(finished.ok()) << finished.status();
    EXPECT_EQ(finished->weights, result->weights);
    EXPECT_EQ(finished->averaged_validation_loss, result->averaged_validation_loss);
    ExpectSameBits(*run, *stepped);
  }
}

TEST(TrainerStep, EvaluatesWhatARunMeasuresAndChangesNothing) {
  TrainingOptions options = Options();
  options.averaging.ema_decay = 0.7;
  const auto run = MakeTrainer(options);
  std::vector<double> losses;
  ASSERT_TRUE(
      run->Run({.on_epoch =
                    [&](const EpochReport& epoch) { losses.push_back(*epoch.validation_loss); }})
          .ok());
  const auto stepped = MakeTrainer(options);
  const auto other = *stepped->NewEvaluator(ToyClassifier(), Moons(50, 2));
  for (const double loss : losses) {
    StepThrough(*stepped, 1);
    EXPECT_EQ(stepped->Evaluate()->loss, loss);
    EXPECT_EQ(stepped->Evaluate(*other)->loss, loss);
  }
  ASSERT_TRUE(stepped->Finish().ok());
  ExpectSameBits(*run, *stepped);
  auto without = Trainer::Create(ToyClassifier(), Options(), Moons(kSamples, 1), nullptr);
  EXPECT_EQ((*without)->Evaluate().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(TrainerStep, RefusesBatchesThatTheDataCouldNotHold) {
  const auto trainer = MakeTrainer(Options());
  const auto code = [&](const std::vector<Tensor>& batch) {
    return trainer->Step(batch).status().code();
  };
  const Tensor x(DataType::kFloat, {4, 2});
  const Tensor target(DataType::kInt64, {4});
  Tensor no_class(DataType::kInt64, {4});
  no_class.mutable_elements<int64_t>()[3] = 2;
  const absl::StatusCode refused = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(code({x}), refused);
  EXPECT_EQ(code({x, Tensor(DataType::kInt64, {3})}), refused);
  EXPECT_EQ(code({x, Tensor(DataType::kFloat, {4})}), refused);
  EXPECT_EQ(code({Tensor(DataType::kFloat, {4, 3}), target}), refused);
  EXPECT_EQ(code({Tensor(DataType::kFloat, {0, 2}), Tensor(DataType::kInt64, {0})}), refused);
  EXPECT_EQ(code({x, no_class}), refused);
  EXPECT_EQ(trainer->state().steps, 0);
  EXPECT_EQ(code({x, target}), absl::StatusCode::kOk);
}

TEST(TrainerStep, ThatDivergesEndsTheRunWithTheLastGoodWeights) {
  const auto trainer = MakeTrainer(Options());
  StepThrough(*trainer, 1);
  const std::vector<double> good = *NumericElements(*trainer->store()->Read("w1"));
  Tensor x(DataType::kFloat, {4, 2});
  x.mutable_elements<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Tensor> bad = {x, Tensor(DataType::kInt64, {4})};
  EXPECT_EQ(trainer->Step(bad).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(trainer->Step(bad).status().code(), absl::StatusCode::kFailedPrecondition);
  const auto result = trainer->Finish();
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  EXPECT_EQ(result->weights_epoch, 1);
  EXPECT_EQ(*NumericElements(*trainer->store()->Read("w1")), good);
}

}  // namespace
}  // namespace strop
