#include "plugin/training/run/step_batches.h"

#include <gtest/gtest.h>

#include <numeric>

#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

constexpr int64_t kIgnored = -100;

// Moons with labels that count for nothing: every fifth, and all from 24 to 47.
std::unique_ptr<ToyData> MoonsWithGaps(int64_t count, uint64_t seed) {
  const std::unique_ptr<ToyData> moons = Moons(count, seed);
  Tensor x = *moons->whole_array(0);
  Tensor labels = *ConvertTensor(*moons->whole_array(1), DataType::kInt64);
  for (int64_t i = 0; i < count; ++i) {
    if (i % 5 == 0 || (i >= 24 && i < 48)) {
      labels.mutable_elements<int64_t>()[static_cast<size_t>(i)] = kIgnored;
    }
  }
  return std::make_unique<ToyData>(std::move(x), std::move(labels));
}

TEST(SplitStep, SharesAreThoseOfWhatCounts) {
  const Tensor x(DataType::kFloat, {6, 2});
  ToyData data(x, Tensor::FromVector<int64_t>({6}, {0, 1, kIgnored, kIgnored, 1, kIgnored}));
  BatchReader reader(data);
  const std::vector<int64_t> samples = {0, 1, 2, 3, 4, 5};
  LossOptions loss;
  loss.class_weights = {1, 3};
  auto batches = SplitStep(samples, 2, &loss, reader);
  ASSERT_TRUE(batches.ok()) << batches.status();
  ASSERT_EQ(batches->size(), 2u);  // nothing counts in the second
  EXPECT_EQ((*batches)[0].share, 4.0 / 7);
  EXPECT_EQ((*batches)[1].share, 3.0 / 7);
  EXPECT_EQ((*batches)[1].number, 2);
  batches = SplitStep(samples, 4, nullptr, reader);
  ASSERT_EQ(batches->size(), 2u);
  EXPECT_EQ((*batches)[0].share, 4.0 / 6);
  EXPECT_EQ((*batches)[1].samples.size(), 2u);
}

struct Outcome {
  std::vector<double> numbers;  // weights
  std::vector<double> losses;   // of training and validation, epoch by epoch
};

Outcome Train(int64_t batch_size, int64_t accumulation_steps) {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("sgd");
  options.graph.loss.class_weights = {0.2, 3};
  options.learning_rate = 0.1;
  options.epochs = 3;
  options.batch_size = batch_size;
  options.accumulation_steps = accumulation_steps;
  options.shuffle = false;
  auto trainer = Trainer::Create(ToyClassifier(), options, MoonsWithGaps(288, 1),
                                 MoonsWithGaps(200, 2), {.verify = true});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  Outcome outcome;
  const auto result = (*trainer)->Run({.on_epoch = [&](const EpochReport& report) {
    outcome.losses.push_back(report.train_loss);
    outcome.losses.push_back(*report.validation_loss);
  }});
  EXPECT_TRUE(result.ok()) << result.status();
  for (const std::string& name : (*trainer)->trained()) {
    const auto elements = *NumericElements(*(*trainer)->store()->Read(name));
    outcome.numbers.insert(outcome.numbers.end(), elements.begin(), elements.end());
  }
  return outcome;
}

// Whatever the batches weigh, one of which weighs nothing.
TEST(SplitStep, WeightedBatchesAreOneLargeBatch) {
  const Outcome large = Train(96, 1);
  const Outcome small = Train(24, 4);
  ASSERT_EQ(large.numbers.size(), small.numbers.size());
  for (size_t i = 0; i < large.numbers.size(); ++i) {
    EXPECT_NEAR(large.numbers[i], small.numbers[i], 2e-5) << i;
  }
  ASSERT_EQ(large.losses.size(), 6u);
  for (size_t i = 0; i < large.losses.size(); ++i) {
    EXPECT_NEAR(large.losses[i], small.losses[i], 1e-5 * large.losses[i]) << i;
  }
}

}  // namespace
}  // namespace strop
