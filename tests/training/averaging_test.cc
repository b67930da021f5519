#include "plugin/training/optimization/averaging.h"

#include <gtest/gtest.h>

#include "plugin/training/run/trainer.h"
#include "tests/training/toy_model.h"

namespace strop {
namespace {

TrainingOptions ToyOptions() {
  TrainingOptions options;
  options.graph.optimizer = *OptimizerOptionsOf("sgd");
  options.learning_rate = 0.1;
  options.epochs = 4;
  options.seed = 3;
  return options;
}

std::unique_ptr<Trainer> MakeTrainer(const TrainingOptions& options) {
  auto trainer = Trainer::Create(ToyClassifier(), options, Moons(100, 1), Moons(50, 2));
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  return trainer.ok() ? *std::move(trainer) : nullptr;
}

std::vector<double> Weights(const Trainer& trainer) {
  return *NumericElements(*trainer.store()->Read("w1"));
}

void ExpectNear(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-6) << i;
}

TEST(Averaging, ExponentialAverageOfEveryStep) {
  TrainingOptions options = ToyOptions();
  options.averaging.ema_decay = 0.8;
  const auto trainer = MakeTrainer(options);
  std::vector<double> average;
  std::vector<double> last;
  const auto take = [&](const StepReport&) {
    last = Weights(*trainer);
    if (average.empty()) average = last;
    for (size_t i = 0; i < last.size(); ++i) average[i] = 0.8 * average[i] + 0.2 * last[i];
  };
  double validation_loss = 0;
  ASSERT_TRUE(trainer
                  ->Run({.on_step = take,
                         .on_epoch =
                             [&](const EpochReport& report) {
                               validation_loss = *report.validation_loss;
                               EXPECT_EQ(Weights(*trainer), last);  // training goes on from these
                             }})
                  .ok());
  ExpectNear(Weights(*trainer), average);
  EXPECT_NE(Weights(*trainer), last);
  // The averaged weights were validated: they are in the store by now.
  const auto evaluator = *Evaluator::Create(ToyClassifier(), {}, Moons(50, 2), trainer->store());
  EXPECT_EQ(evaluator->Evaluate()->loss, validation_loss);
}

TEST(Averaging, LeavesTheTrainingAsItIs) {
  TrainingOptions options = ToyOptions();
  const auto losses = [&] {
    std::vector<double> losses;
    const auto trainer = MakeTrainer(options);
    EXPECT_TRUE(
        trainer->Run({.on_step = [&](const StepReport& r) { losses.push_back(r.loss); }}).ok());
    return losses;
  };
  const std::vector<double> plain = losses();
  options.averaging.ema_decay = 0.9;
  EXPECT_EQ(losses(), plain);
}

TEST(Averaging, RestoresTheBestAverage) {
  TrainingOptions options = ToyOptions();
  options.averaging.ema_decay = 0.5;
  options.early_stopping_patience = 1;
  options.min_delta = 100;  // the first epoch stays the best
  const auto trainer = MakeTrainer(options);
  std::vector<double> average;
  ASSERT_TRUE(trainer
                  ->Run({.on_step =
                             [&](const StepReport& report) {
                               const std::vector<double> last = Weights(*trainer);
                               if (report.epoch > 1) return;
                               if (average.empty()) average = last;
                               for (size_t i = 0; i < last.size(); ++i) {
                                 average[i] = 0.5 * (average[i] + last[i]);
                               }
                             }})
                  .ok());
  ExpectNear(Weights(*trainer), average);
}

TEST(Averaging, MeanOfTheEpochsFromTheStartOn) {
  TrainingOptions options = ToyOptions();
  options.averaging.swa_start = 2;
  options.averaging.swa_learning_rate = 0.02;
  options.averaging.swa_anneal_epochs = 2;
  const auto trainer = MakeTrainer(options);
  std::vector<double> sum(32, 0);
  std::vector<double> rates;
  const auto result = trainer->Run({.on_epoch = [&](const EpochReport& report) {
    rates.push_back(report.learning_rate);
    if (report.epoch < 2) return;
    const std::vector<double> weights = Weights(*trainer);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += weights[i] / 3;
  }});
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectNear(Weights(*trainer), sum);
  ASSERT_EQ(rates.size(), 4u);
  EXPECT_DOUBLE_EQ(rates[1], 0.1);
  EXPECT_NEAR(rates[2], 0.06, 1e-12);
  EXPECT_NEAR(rates[3], 0.02, 1e-12);
  const auto evaluator = *Evaluator::Create(ToyClassifier(), {}, Moons(50, 2), trainer->store());
  EXPECT_EQ(evaluator->Evaluate()->loss, result->averaged_validation_loss);
}

TEST(Averaging, RefusesOptionsThatMakeNoSense) {
  const auto refuses = [](auto change) {
    TrainingOptions options = ToyOptions();
    change(options);
    return Trainer::Create(ToyClassifier(), options, Moons(8, 1), Moons(8, 1)).status().code() ==
           absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refuses([](TrainingOptions& o) { o.averaging.ema_decay = 1; }));
  EXPECT_TRUE(refuses([](TrainingOptions& o) { o.averaging.swa_start = 5; }));
  EXPECT_TRUE(
      refuses([](TrainingOptions& o) { o.averaging = {.ema_decay = 0.9, .swa_start = 1}; }));
  EXPECT_TRUE(refuses([](TrainingOptions& o) {
    o.averaging.swa_start = 1;
    o.early_stopping_patience = 1;
  }));
}

}  // namespace
}  // namespace strop
