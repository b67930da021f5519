// Sharpness-aware minimization in a run: what tests/parity/sharpness_test.py, which holds the
// numbers to PyTorch's, cannot see.

#include "plugin/training/optimization/sharpness.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

TrainingOptions Options(double rho) {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("adam");
  options.graph.sharpness.rho = rho;
  options.learning_rate = 0.02;
  options.epochs = 3;
  options.batch_size = 16;
  options.seed = 7;
  return options;
}

std::unique_ptr<Trainer> MakeTrainer(const TrainingOptions& options,
                                     std::unique_ptr<DataSource> data = Moons(100, 1)) {
  auto trainer =
      Trainer::Create(ToyClassifier(), options, std::move(data), nullptr, {.verify = true});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

std::vector<double> State(const Trainer& trainer, const std::string& name) {
  return *NumericElements(*trainer.store()->Read(name));
}

// How far two trainers' parameters are apart, element by element at most.
double Distance(const Trainer& a, const Trainer& b) {
  double distance = 0;
  for (const char* name : {"w1", "b1", "w2", "b2"}) {
    const std::vector<double> x = State(a, name);
    const std::vector<double> y = State(b, name);
    for (size_t i = 0; i < x.size(); ++i) distance = std::max(distance, std::abs(x[i] - y[i]));
  }
  return distance;
}

TEST(Sharpness, ComesFromPlainTrainingAsRhoGrows) {
  const auto plain = MakeTrainer(Options(0));
  const auto almost = MakeTrainer(Options(1e-7));
  const auto sharp = MakeTrainer(Options(0.5));
  for (const auto* trainer : {&plain, &almost, &sharp}) ASSERT_TRUE((*trainer)->Run().ok());
  EXPECT_LT(Distance(*plain, *almost), 1e-3);
  EXPECT_GT(Distance(*plain, *sharp), 1e-2);
}

// Both evaluations drop the same units: with other masks the two gradients would differ however
// small rho is.
TEST(Sharpness, EvaluatesTwiceWithTheSameDropout) {
  TrainingOptions options = Options(0);
  options.graph.dropout = DropoutMode::kOn;
  options.graph.dropout_rate = 0.5;
  options.graph.dropout_at = {"Tanh"};
  options.graph.optimizer = *OptimizerOptionsOf("sgd");
  const auto plain = MakeTrainer(options);
  options.graph.sharpness.rho = 1e-6;
  const auto almost = MakeTrainer(options);
  ASSERT_TRUE(plain->Run().ok());
  ASSERT_TRUE(almost->Run().ok());
  EXPECT_LT(Distance(*plain, *almost), 1e-5);
}

TEST(Sharpness, AccumulatedBatchesEqualALargeOne) {
  TrainingOptions options = Options(0.1);
  options.graph.optimizer = *OptimizerOptionsOf("momentum");
  const auto large = MakeTrainer(options);
  options.batch_size = 4;
  options.accumulation_steps = 4;
  const auto accumulated = MakeTrainer(options);
  ASSERT_TRUE(large->Run().ok());
  ASSERT_TRUE(accumulated->Run().ok());
  EXPECT_EQ(large->state().steps, accumulated->state().steps);
  EXPECT_LT(Distance(*large, *accumulated), 1e-5);
}

TEST(Sharpness, LeavesFrozenParametersUntilTheirTime) {
  TrainingOptions options = Options(0.1);
  options.graph.unfreezing = {{3, "w1"}};
  const auto trainer = MakeTrainer(options);
  const std::vector<double> before = State(*trainer, "w1");
  std::vector<std::vector<double>> after;
  ASSERT_TRUE(
      trainer
          ->Run({.on_epoch = [&](const EpochReport&) { after.push_back(State(*trainer, "w1")); }})
          .ok());
  EXPECT_EQ(after[0], before);
  EXPECT_EQ(after[1], before);
  EXPECT_NE(after[2], before);
}

TEST(Sharpness, MeasuringChangesNoBit) {
  TrainingOptions options = Options(0.1);
  const auto plain = MakeTrainer(options);
  options.measurement.log.every = 1;
  const auto measured = MakeTrainer(options);
  ASSERT_TRUE(plain->Run().ok());
  const auto check = [](const StepReport& report) {
    ASSERT_TRUE(report.statistics.has_value());
    ASSERT_EQ(report.statistics->parameters.size(), 4u);
    EXPECT_EQ(report.statistics->layers->activations.size(), 3u);
    for (const auto& parameter : report.statistics->parameters) {
      EXPECT_GT(parameter.update_norm, 0);
      EXPECT_GT(parameter.gradient.norm(), 0);
    }
  };
  ASSERT_TRUE(measured->Run({.on_step = check}).ok());
  EXPECT_EQ(Distance(*plain, *measured), 0);
}

// A batch without a finite loss ends the run before anything moves.
TEST(Sharpness, BadNumbersMoveNoWeight) {
  Tensor x(DataType::kFloat, {32, 2});
  for (float& element : x.mutable_elements<float>()) element = 0.5f;
  Tensor target(DataType::kFloat, {32, 2});
  target.mutable_elements<float>()[2 * 20] = 1e30f;  // whose square is infinite
  TrainingOptions options = Options(0.1);
  options.graph.loss.kind = LossKind::kMeanSquaredError;
  options.shuffle = false;
  const auto trainer = MakeTrainer(options, std::make_unique<ToyData>(x, target));
  std::vector<double> after_first;
  const auto result =
      trainer->Run({.on_step = [&](const StepReport&) { after_first = State(*trainer, "w1"); }});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  EXPECT_EQ(result->divergence->step, 2);
  EXPECT_EQ(State(*trainer, "w1"), after_first);
}

// The loss is finite at the weights and not where they ascend to.
TEST(Sharpness, AnAscentTooFarMovesNoWeight) {
  TrainingOptions options = Options(1e30);
  options.graph.loss.kind = LossKind::kMeanSquaredError;
  Tensor x(DataType::kFloat, {16, 2});
  for (float& element : x.mutable_elements<float>()) element = 0.5f;
  Tensor target(DataType::kFloat, {16, 2});
  const auto trainer = MakeTrainer(options, std::make_unique<ToyData>(x, target));
  const std::vector<double> before = State(*trainer, "w2");
  const auto result = trainer->Run();
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  EXPECT_EQ(result->divergence->step, 1);
  EXPECT_EQ(State(*trainer, "w2"), before);
}

TEST(Sharpness, RefusesARhoThatMakesNoSense) {
  EXPECT_TRUE(CheckSharpnessOptions({0.05, true}).ok());
  EXPECT_FALSE(CheckSharpnessOptions({-1}).ok());
  EXPECT_FALSE(CheckSharpnessOptions({std::nan("")}).ok());
}

}  // namespace
}  // namespace strop
