#include "plugin/training/divergence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plugin/training/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

// The step at which the loss runs away, 0 when it does not.
int FirstRunaway(const std::vector<double>& losses, double factor) {
  LossHistory history;
  for (size_t i = 0; i < losses.size(); ++i) {
    if (RunsAway(losses[i], factor, history)) return static_cast<int>(i) + 1;
  }
  return 0;
}

std::vector<double> Losses(int count, double (*loss)(int)) {
  std::vector<double> losses;
  for (int i = 0; i < count; ++i) losses.push_back(loss(i));
  return losses;
}

TEST(Divergence, SeesALossThatGrows) {
  const auto growing = [](int i) { return 0.5 * std::pow(1.2, i); };
  EXPECT_GT(FirstRunaway(Losses(100, growing), 100), 32);
  EXPECT_EQ(FirstRunaway(Losses(100, growing), 0), 0);
}

TEST(Divergence, LetsSingleBatchesBeBad) {
  const auto spiky = [](int i) { return i % 3 == 2 ? 1000.0 : 0.01; };
  EXPECT_EQ(FirstRunaway(Losses(200, spiky), 10), 0);
}

TEST(Divergence, LetsAnAlmostPerfectFitComeBackToWhereItStarted) {
  const auto refitting = [](int i) { return i < 50 || i > 100 ? 2.0 : 1e-6; };
  EXPECT_EQ(FirstRunaway(Losses(200, refitting), 10), 0);
}

TrainingOptions Options(double learning_rate) {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("sgd");
  options.learning_rate = learning_rate;
  options.batch_size = 16;
  return options;
}

std::unique_ptr<Trainer> MakeTrainer(const TrainingOptions& options, float scale,
                                     PlanOptions plan = {}) {
  Tensor x(DataType::kFloat, {64, 2});
  int i = 0;
  for (float& element : x.mutable_elements<float>()) element = std::sin(static_cast<float>(++i));
  Tensor target(DataType::kFloat, {64, 2});
  for (float& element : target.mutable_elements<float>()) element = scale;
  auto trainer = Trainer::Create(ToyClassifier(), options, std::make_unique<ToyData>(x, target),
                                 nullptr, plan);
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

TEST(Divergence, EndsTheRunAndNamesTheTensor) {
  TrainingOptions options = Options(1e20);
  options.graph.loss.kind = LossKind::kMeanSquaredError;
  const auto trainer = MakeTrainer(options, 1);
  const auto result = trainer->Run();
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  EXPECT_FALSE(result->divergence->restored_epoch.has_value());
  EXPECT_GT(result->divergence->step, 1);
  EXPECT_NE(result->divergence->cause.find("makes"), std::string::npos)
      << result->divergence->cause;
  EXPECT_NE(result->divergence->Describe().find("--learning-rate 1e+19"), std::string::npos);
}

// A rate that is good for an epoch and bad from then on.
TEST(Divergence, ComesBackToTheLastGoodEpoch) {
  TrainingOptions options = Options(0.01);
  options.graph.loss.kind = LossKind::kMeanSquaredError;
  options.epochs = 3;
  options.schedule.kind = ScheduleKind::kMultiStep;
  options.schedule.milestones = {1};
  options.schedule.gamma = 1e24;
  const auto trainer = MakeTrainer(options, 1);
  std::vector<float> good;
  const auto result = trainer->Run({.on_epoch = [&](const EpochReport&) {
    const Tensor w1 = *trainer->store()->Read("w1");
    good.assign(w1.elements<float>().begin(), w1.elements<float>().end());
  }});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  EXPECT_EQ(result->divergence->restored_epoch, 1);
  const Tensor w1 = *trainer->store()->Read("w1");
  EXPECT_EQ(std::vector<float>(w1.elements<float>().begin(), w1.elements<float>().end()), good);
}

TEST(Divergence, AnomalyDetectionEndsTheRunWhereItStarts) {
  TrainingOptions options = Options(1e20);
  options.graph.loss.kind = LossKind::kMeanSquaredError;
  PlanOptions plan;
  plan.detect_anomaly = true;
  const auto trainer = MakeTrainer(options, 1, plan);
  const auto result = trainer->Run();
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  EXPECT_NE(result->divergence->cause.find("node"), std::string::npos) << result->divergence->cause;
}

}  // namespace
}  // namespace strop
