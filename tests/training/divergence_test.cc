#include "plugin/training/run/divergence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ops/core/registry.h"
#include "plugin/training/run/trainer.h"
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

// x [?, 2] → MatMul w → Sqrt → MatMul v. Where x is 0, the root's slope is infinite: the loss is
// finite, the gradient of w is not.
ImportedModel RootModel() {
  ImportedModel model;
  Graph& graph = model.graph;
  const Shape batch = {kUnknownDimension, 2};
  const ValueId x = graph.AddInput("x", {DataType::kFloat, batch});
  const Tensor ones = Tensor::FromVector<float>({2, 2}, {1, 1, 1, 1});
  const ValueId w = graph.AddState("w", ones.Clone());
  const ValueId v = graph.AddState("v", ones.Clone());
  const auto append = [&](const std::string& op, std::vector<ValueId> inputs) {
    return (*AppendNode(graph, Node{"my_" + op, "", op, {}, std::move(inputs)}, 1))[0];
  };
  const ValueId root = append("Sqrt", {append("MatMul", {x, w})});
  const ValueId y = (*AppendNode(graph, Node{"last", "", "MatMul", {}, {root, v}}, 1))[0];
  graph.value(y).type.shape = batch;
  graph.outputs = {y};
  for (const ValueId id : {w, v}) {
    Parameter parameter;
    parameter.name = graph.value(id).name;
    parameter.value = id;
    model.parameters.push_back(parameter);
  }
  return model;
}

// The root's data: good samples, but for one.
std::unique_ptr<Trainer> MakeRootTrainer(const TrainingOptions& options, int64_t bad_sample) {
  Tensor x(DataType::kFloat, {32, 2});
  for (float& element : x.mutable_elements<float>()) element = 1;
  for (int64_t i = 0; i < 2; ++i) x.mutable_elements<float>()[bad_sample * 2 + i] = 0;
  auto trainer = Trainer::Create(RootModel(), options,
                                 std::make_unique<ToyData>(x, Tensor(DataType::kFloat, {32, 2})),
                                 nullptr, {.verify = true});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

TrainingOptions RootOptions(const std::string& optimizer) {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf(optimizer);
  options.graph.loss.kind = LossKind::kMeanSquaredError;
  options.learning_rate = 1e-3;
  options.batch_size = 8;
  options.shuffle = false;
  return options;
}

void ExpectNamedAtOnce(const TrainingOptions& options, int64_t step) {
  const auto trainer = MakeRootTrainer(options, 17);
  const auto result = trainer->Run();
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  EXPECT_EQ(result->divergence->step, step);
  EXPECT_TRUE(std::isfinite(*result->divergence->loss));
  EXPECT_NE(result->divergence->cause.find("backward node"), std::string::npos)
      << result->divergence->cause;
  EXPECT_NE(result->divergence->cause.find("my_Sqrt"), std::string::npos)
      << result->divergence->cause;
  for (const char* name : {"w", "v"}) {
    const std::vector<double> elements = *NumericElements(*trainer->store()->Read(name));
    for (const double element : elements) {
      EXPECT_TRUE(std::isfinite(element)) << name;
    }
  }
}

TEST(Divergence, NamesTheNodeOfABadGradientInItsOwnStep) {
  for (const std::string& name : OptimizerNames()) {
    SCOPED_TRACE(name);
    ExpectNamedAtOnce(RootOptions(name), 3);
  }
}

TEST(Divergence, NamesABadGradientHoweverItIsUsed) {
  TrainingOptions clipped = RootOptions("adam");
  clipped.graph.optimizer.clip_norm = 1;
  ExpectNamedAtOnce(clipped, 3);
  TrainingOptions sharp = RootOptions("adam");
  sharp.graph.sharpness.rho = 0.05;
  ExpectNamedAtOnce(sharp, 3);
  TrainingOptions averaged = RootOptions("adam");
  averaged.averaging.ema_decay = 0.9;
  ExpectNamedAtOnce(averaged, 3);
  // The bad batch is the first or the second of its update.
  for (const int64_t batches : {2, 3}) {
    TrainingOptions accumulated = RootOptions("adam");
    accumulated.accumulation_steps = batches;
    ExpectNamedAtOnce(accumulated, batches == 2 ? 2 : 1);
  }
}

TEST(Divergence, ABadGradientMovesNoWeightBeforeIt) {
  TrainingOptions options = RootOptions("sgd");
  const auto stopped = MakeRootTrainer(options, 17);
  ASSERT_TRUE(stopped->Run().ok());
  options.steps = 2;
  const auto before = MakeRootTrainer(options, 17);
  ASSERT_TRUE(before->Run().ok());
  EXPECT_EQ(*NumericElements(*stopped->store()->Read("w")),
            *NumericElements(*before->store()->Read("w")));
}

// Two layers whose product is moderate, and whose gradients are not: that of the second is huge and
// moves it, that of the first is infinite. Run again, the step would blame the forward pass.
TEST(Divergence, NamesTheGradientWhereTheStepDoesNotComeAgain) {
  ImportedModel model;
  Graph& graph = model.graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{kUnknownDimension, 1}});
  const ValueId w = graph.AddState("w", Tensor::FromVector<float>({1, 1}, {1e-21f}));
  const ValueId v = graph.AddState("v", Tensor::FromVector<float>({1, 1}, {1e21f}));
  const ValueId b = graph.AddState("b", Tensor::FromVector<float>({1}, {0}));
  const ValueId h = (*AppendNode(graph, Node{"first", "", "MatMul", {}, {x, w}}, 1))[0];
  const ValueId y = (*AppendNode(graph, Node{"second", "", "Gemm", {}, {h, v, b}}, 1))[0];
  graph.value(y).type.shape = Shape{kUnknownDimension, 1};
  graph.outputs = {y};
  for (const ValueId id : {w, v, b}) {
    Parameter parameter;
    parameter.name = graph.value(id).name;
    parameter.value = id;
    model.parameters.push_back(parameter);
  }
  TrainingOptions options = RootOptions("sgd");
  options.learning_rate = 1e19;
  const auto trainer =
      Trainer::Create(model, options,
                      std::make_unique<ToyData>(Tensor::FromVector<float>({2, 1}, {1, 1}),
                                                Tensor::FromVector<float>({2, 1}, {1e18f, 1e18f})),
                      nullptr);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  const auto result = (*trainer)->Run();
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->divergence.has_value());
  EXPECT_EQ(result->divergence->step, 1);
  EXPECT_NE(result->divergence->cause.find("the gradient of \"w\" is not finite"),
            std::string::npos)
      << result->divergence->cause;
}

}  // namespace
}  // namespace strop
