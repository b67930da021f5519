// Weights of samples: means of samples that count as often as they weigh.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plugin/data/given_data.h"
#include "plugin/training/graph/loss_weight.h"
#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

constexpr int64_t kIgnored = -100;
constexpr int64_t kSamples = 48;

// Moons that come as often as `counts` say; weighted by `weights` where there are some.
GivenData MoonsOf(const std::vector<int64_t>& counts, const std::vector<double>& weights) {
  const std::unique_ptr<ToyData> moons = Moons(static_cast<int64_t>(counts.size()), 1);
  std::vector<int64_t> rows;
  for (size_t i = 0; i < counts.size(); ++i) {
    rows.insert(rows.end(), static_cast<size_t>(counts[i]), static_cast<int64_t>(i));
  }
  const auto count = static_cast<int64_t>(rows.size());
  Tensor x(DataType::kFloat, {count, 2});
  Tensor labels(DataType::kInt64, {count});
  CopySamples(*moons->whole_array(0), rows, x);
  CopySamples(*moons->whole_array(1), rows, labels);
  GivenData data;
  data.arrays = {{"x", x}, {std::string(kTargetField), labels}};
  if (!weights.empty()) data.arrays.push_back({"w", Tensor::FromVector({count}, weights)});
  return data;
}

std::unique_ptr<DataSource> Open(const GivenData& data) {
  DataOptions options;
  options.sample_weight = data.arrays.size() == 3 ? "w" : "";
  auto source = OpenGiven(data, InputsOf(ToyClassifier().graph), options);
  EXPECT_TRUE(source.ok()) << source.status();
  return *std::move(source);
}

TrainingOptions Options() {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("adam");
  options.graph.loss.class_weights = {0.5, 2};
  options.learning_rate = 0.02;
  options.epochs = 3;
  options.batch_size = 0;
  options.shuffle = false;
  return options;
}

struct Outcome {
  std::vector<double> weights;
  std::vector<double> losses;
  std::map<std::string, double> metrics;  // of the last epoch
};

Outcome Train(const GivenData& data, TrainingOptions options) {
  options.metrics = {"accuracy", "f1_macro", "roc_auc"};
  const auto trainer =
      Trainer::Create(ToyClassifier(), options, Open(data), Open(data), {.verify = true});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  Outcome outcome;
  const auto result = (*trainer)->Run({.on_epoch = [&](const EpochReport& report) {
    outcome.losses.push_back(report.train_loss);
    outcome.losses.push_back(*report.validation_loss);
    outcome.metrics = report.metrics;
  }});
  EXPECT_TRUE(result.ok()) << result.status();
  for (const std::string& name : (*trainer)->trained()) {
    const auto elements = *NumericElements(*(*trainer)->store()->Read(name));
    outcome.weights.insert(outcome.weights.end(), elements.begin(), elements.end());
  }
  return outcome;
}

void ExpectNear(const Outcome& found, const Outcome& expected) {
  ASSERT_EQ(found.weights.size(), expected.weights.size());
  for (size_t i = 0; i < found.weights.size(); ++i) {
    EXPECT_NEAR(found.weights[i], expected.weights[i], 2e-5) << i;
  }
  ASSERT_EQ(found.losses.size(), expected.losses.size());
  for (size_t i = 0; i < found.losses.size(); ++i) {
    EXPECT_NEAR(found.losses[i], expected.losses[i], 1e-5 * expected.losses[i]) << i;
  }
  ASSERT_EQ(found.metrics.size(), expected.metrics.size());
  for (const auto& [name, value] : expected.metrics) {
    EXPECT_NEAR(found.metrics.at(name), value, 1e-12) << name;
  }
}

TEST(SampleWeight, IsHowOftenASampleComes) {
  std::vector<int64_t> counts(kSamples);
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = static_cast<int64_t>(i * 7 % 4);
  const std::vector<double> weights(counts.begin(), counts.end());
  const Outcome repeated = Train(MoonsOf(counts, {}), Options());
  const GivenData weighted = MoonsOf(std::vector<int64_t>(kSamples, 1), weights);
  ExpectNear(Train(weighted, Options()), repeated);
  TrainingOptions accumulated = Options();
  accumulated.batch_size = 5;
  accumulated.accumulation_steps = 10;
  ExpectNear(Train(weighted, accumulated), repeated);
}

TEST(SampleWeight, OfEqualSamplesIsNone) {
  const GivenData equal =
      MoonsOf(std::vector<int64_t>(kSamples, 1), std::vector<double>(kSamples, 1e-30));
  ExpectNear(Train(equal, Options()),
             Train(MoonsOf(std::vector<int64_t>(kSamples, 1), {}), Options()));
}

TEST(SampleWeight, MultipliesWhatALabelCounts) {
  LossOptions loss;
  loss.class_weights = {1, 3};
  const Tensor labels = Tensor::FromVector<int64_t>({2, 3}, {0, 1, kIgnored, 1, 1, 0});
  EXPECT_EQ(LossWeight(loss, labels), (4.0 + 7) / 3);
  EXPECT_EQ(LossWeight(loss, labels, {2, 0.5}), (2 * 4.0 + 0.5 * 7) / 3);
  loss.kind = LossKind::kMeanSquaredError;
  EXPECT_EQ(LossWeight(loss, Tensor(DataType::kFloat, {2, 3}), {2, 0.5}), 2.5);
}

std::unique_ptr<Trainer> Stepper(const GivenData& data) {
  TrainingOptions options = Options();
  options.batch_size = 16;
  auto trainer = Trainer::Create(ToyClassifier(), options, Open(data), nullptr);
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return *std::move(trainer);
}

TEST(SampleWeight, OfABatchOfTheCallersIsLookedAt) {
  const GivenData data =
      MoonsOf(std::vector<int64_t>(kSamples, 1), std::vector<double>(kSamples, 2));
  const std::unique_ptr<Trainer> trainer = Stepper(data);
  std::vector<Tensor> batch = *trainer->BatchOf(Open(data));
  ASSERT_EQ(batch.size(), 3u);  // inputs, weights, target
  const auto before = *NumericElements(*trainer->store()->Read("w1"));
  batch[1].mutable_elements<float>()[3] = -1;
  EXPECT_EQ(trainer->Step(batch).status().message(),
            "train: the batch's weights: found -1, expected finite numbers from 0 on");
  batch[1].mutable_elements<float>()[3] = std::nanf("");
  EXPECT_FALSE(trainer->Step(batch).ok());
  EXPECT_EQ(trainer->Step({batch[0], batch[2]}).status().message(),
            "train: found a batch of 2 tensors, expected 3: the model's inputs, the samples' "
            "weights and the target");
  const GivenData bare = MoonsOf(std::vector<int64_t>(kSamples, 1), {});
  EXPECT_EQ(trainer->BatchOf(Open(bare)).status().message(),
            "data: \"arrays\": found no weights of samples, expected some as in the training data");
  EXPECT_EQ(*NumericElements(*trainer->store()->Read("w1")), before);
}

// Adam, which has seen nothing yet, leaves the weights where they are.
TEST(SampleWeight, OfNothingGivesNoGradient) {
  const GivenData data =
      MoonsOf(std::vector<int64_t>(kSamples, 1), std::vector<double>(kSamples, 2));
  const std::unique_ptr<Trainer> trainer = Stepper(data);
  std::vector<Tensor> batch = *trainer->BatchOf(Open(data));
  const auto before = *NumericElements(*trainer->store()->Read("w1"));
  for (float& weight : batch[1].mutable_elements<float>()) weight = 0;
  const auto report = trainer->Step(batch);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(std::isnan(report->loss));  // of a step in which nothing counts
  EXPECT_EQ(*NumericElements(*trainer->store()->Read("w1")), before);
  for (float& weight : batch[1].mutable_elements<float>()) weight = 1;
  ASSERT_TRUE(trainer->Step(batch).ok());
  EXPECT_NE(*NumericElements(*trainer->store()->Read("w1")), before);
}

TEST(SampleWeight, IsNothingForALossOfTheProgramsOrForMixing) {
  const GivenData data =
      MoonsOf(std::vector<int64_t>(kSamples, 1), std::vector<double>(kSamples, 2));
  TrainingOptions of_host = Options();
  of_host.graph.loss.kind = LossKind::kHost;
  of_host.graph.loss.host =
      HostLoss::Create([](const HostLoss::Batch&) -> absl::StatusOr<double> { return 0.0; });
  auto status = Trainer::Create(ToyClassifier(), of_host, Open(data), nullptr).status();
  EXPECT_NE(status.message().find("found weights of samples for a loss of the program's"),
            std::string::npos)
      << status;
  TrainingOptions mixed = Options();
  mixed.mix.mixup_alpha = 0.4;
  status = Trainer::Create(ToyClassifier(), mixed, Open(data), nullptr).status();
  EXPECT_NE(status.message().find("--mixup: found weights of samples"), std::string::npos)
      << status;
}

}  // namespace
}  // namespace strop
