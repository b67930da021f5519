// Steps on a loss that is computed here are those of the loss that is computed inside.

#include "plugin/training/external_loss/external_loss_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <random>

#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

constexpr int64_t kSteps = 10;
constexpr int64_t kBatch = 4;

Tensor RandomNumbers(Shape shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Tensor tensor(DataType::kDouble, std::move(shape));
  for (double& element : tensor.mutable_elements<double>()) element = normal(random);
  return tensor;
}

ImportedModel ToyInDouble() {
  ImportedModel model = ToyClassifier();
  for (Value& value : model.graph.values) {
    value.type.element_type = DataType::kDouble;
    if (value.kind == ValueKind::kState)
      value.tensor = *ConvertTensor(value.tensor, DataType::kDouble);
  }
  return model;
}

// With batch normalization, residual sums and strided convolutions.
ImportedModel ResidualNetwork() {
  auto model = ImportModel(STROP_GOLDENS "/../parity/models/resnet.torchscript.training.19.onnx",
                           {.widening = Widening::kToDouble});
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

// The samples [first, first + kBatch).
Tensor BatchOf(const Tensor& all, int64_t first) {
  Shape shape = all.shape();
  const int64_t sample = all.element_count() / shape[0];
  shape[0] = kBatch;
  Tensor batch(DataType::kDouble, shape);
  std::copy_n(all.elements<double>().data() + first * sample, kBatch * sample,
              batch.mutable_elements<double>().data());
  return batch;
}

// 2·(output − target) / elements: the gradient of torch.nn.MSELoss.
Tensor SquaredErrorGradient(const Tensor& output, const Tensor& target) {
  Tensor gradient(output.type(), output.shape());
  for (size_t i = 0; i < static_cast<size_t>(output.element_count()); ++i) {
    gradient.mutable_elements<double>()[i] =
        2 * (output.elements<double>()[i] - target.elements<double>()[i]) /
        static_cast<double>(output.element_count());
  }
  return gradient;
}

void ExpectSameStates(const StateStore& found, const StateStore& expected, double tolerance) {
  ASSERT_EQ(found.Names(), expected.Names());
  for (const std::string& name : expected.Names()) {
    const std::vector<double> a = *NumericElements(*found.Read(name));
    const std::vector<double> b = *NumericElements(*expected.Read(name));
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], tolerance * std::max(1.0, std::abs(b[i]))) << name << " " << i;
    }
  }
}

void ExpectTheStepsOfMse(const ImportedModel& model, const TrainingGraphOptions& graph,
                         const Shape& sample, int64_t outputs) {
  Shape shape = sample;
  shape.insert(shape.begin(), kSteps * kBatch);
  const Tensor x = RandomNumbers(shape, 1);
  const Tensor target = RandomNumbers({kSteps * kBatch, outputs}, 2);
  TrainingOptions inside;
  inside.graph = graph;
  inside.graph.loss.kind = LossKind::kMeanSquaredError;
  inside.learning_rate = 0.01;
  inside.batch_size = kBatch;
  inside.shuffle = false;
  inside.seed = 9;
  auto trainer = Trainer::Create(model, inside, std::make_unique<ToyData>(x, target), nullptr);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  std::vector<std::optional<double>> norms;
  ASSERT_TRUE(
      (*trainer)
          ->Run({.on_step = [&](const StepReport& step) { norms.push_back(step.gradient_norm); }})
          .ok());
  auto outside = ExternalLossTrainer::Create(model, {graph, /*seed=*/9});
  ASSERT_TRUE(outside.ok()) << outside.status();
  for (int64_t step = 0; step < kSteps; ++step) {
    const Tensor batch[] = {BatchOf(x, step * kBatch)};
    const auto forward = (*outside)->Forward(batch);
    ASSERT_TRUE(forward.ok()) << forward.status();
    ASSERT_EQ(forward->size(), 1u);
    const Tensor gradients[] = {
        SquaredErrorGradient((*forward)[0], BatchOf(target, step * kBatch))};
    const auto report = (*outside)->Step(gradients, inside.learning_rate);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->step, step + 1);
    const std::optional<double>& norm = norms[static_cast<size_t>(step)];
    ASSERT_EQ(report->gradient_norm.has_value(), norm.has_value());
    if (norm) {
      EXPECT_NEAR(*report->gradient_norm, *norm, 1e-12 * *norm);
    }
  }
  ExpectSameStates(*(*outside)->store(), *(*trainer)->store(), 1e-12);
}

TEST(ExternalLossTrainer, TenStepsAreThoseOfTheLossInside) {
  for (const char* optimizer : {"sgd", "momentum", "adam"}) {
    TrainingGraphOptions graph;
    graph.optimizer = *OptimizerOptionsOf(optimizer);
    ExpectTheStepsOfMse(ToyInDouble(), graph, {2}, 2);
    graph.optimizer.clip_norm = 0.1;
    ExpectTheStepsOfMse(ToyInDouble(), graph, {2}, 2);
  }
}

TEST(ExternalLossTrainer, MovesRunningStatisticsAsTheLossInside) {
  TrainingGraphOptions graph;
  graph.optimizer = *OptimizerOptionsOf("momentum");
  graph.batch_norm = BatchNormMode::kTrain;
  ExpectTheStepsOfMse(ResidualNetwork(), graph, {3, 16, 16}, 10);
  graph.recompute_activations = true;
  ExpectTheStepsOfMse(ResidualNetwork(), graph, {3, 16, 16}, 10);
}

std::unique_ptr<ExternalLossTrainer> Toy() {
  TrainingGraphOptions graph;
  graph.optimizer = *OptimizerOptionsOf("sgd");
  auto trainer = ExternalLossTrainer::Create(ToyInDouble(), {graph});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

std::vector<double> Weights(const ExternalLossTrainer& trainer) {
  return *NumericElements(*trainer.store()->Read("w1"));
}

TEST(ExternalLossTrainer, StepsOnTheLastForwardAlone) {
  const auto once = Toy();
  const auto twice = Toy();
  const Tensor other[] = {RandomNumbers({7, 2}, 3)};
  const Tensor batch[] = {RandomNumbers({5, 2}, 4)};
  const Tensor gradients[] = {RandomNumbers({5, 2}, 5)};
  ASSERT_TRUE(twice->Forward(other).ok());
  for (const auto& trainer : {once.get(), twice.get()}) {
    ASSERT_TRUE(trainer->Forward(batch).ok());
    ASSERT_TRUE(trainer->Step(gradients, 0.1).ok());
  }
  EXPECT_EQ(Weights(*once), Weights(*twice));
}

TEST(ExternalLossTrainer, RefusesWhatIsNoStep) {
  const auto trainer = Toy();
  const std::vector<double> before = Weights(*trainer);
  const Tensor batch[] = {RandomNumbers({5, 2}, 4)};
  const Tensor gradients[] = {RandomNumbers({5, 2}, 5)};
  const Tensor too_few[] = {RandomNumbers({4, 2}, 5)};
  Tensor bad[] = {RandomNumbers({5, 2}, 5)};
  bad[0].mutable_elements<double>()[3] = std::numeric_limits<double>::quiet_NaN();
  const auto step = [&](absl::Span<const Tensor> given) {
    return trainer->Step(given, 0.1).status().code();
  };
  EXPECT_EQ(step(gradients), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(trainer->Forward({}).status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(trainer->Forward(batch).ok());
  EXPECT_EQ(step(too_few), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(trainer->Forward(batch).ok());
  EXPECT_EQ(step({}), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(trainer->Forward(batch).ok());
  EXPECT_EQ(step(bad), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Weights(*trainer), before);
  EXPECT_EQ(trainer->steps(), 0);
  EXPECT_EQ(step(gradients), absl::StatusCode::kFailedPrecondition);  // that forward is used up
  ASSERT_TRUE(trainer->Forward(batch).ok());
  EXPECT_EQ(step(gradients), absl::StatusCode::kOk);
  EXPECT_NE(Weights(*trainer), before);
}

TEST(ExternalLossTrainer, RefusesOptionsThatNeedTheLoss) {
  const auto code = [](auto change) {
    TrainingGraphOptions graph;
    change(graph);
    return ExternalLossTrainer::Create(ToyInDouble(), {graph}).status().code();
  };
  const absl::StatusCode refused = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(code([](TrainingGraphOptions& o) { o.sharpness.rho = 0.1; }), refused);
  EXPECT_EQ(code([](TrainingGraphOptions& o) { o.accumulates = true; }), refused);
  EXPECT_EQ(code([](TrainingGraphOptions& o) { o.unfreezing = {{2, "w1"}}; }), refused);
}

}  // namespace
}  // namespace strop
