// What the health monitor says of runs whose course is known.

#include "plugin/monitor/health_monitor.h"

#include <gtest/gtest.h>

#include <cmath>

namespace strop {
namespace {

// Weights "w0" … of layers "layer0" …, 100 elements each.
StepStatistics Statistics(const std::vector<double>& gradient_sizes, double update_ratio = 1e-3) {
  auto layers = std::make_shared<WatchedLayers>();
  StepStatistics statistics;
  for (size_t i = 0; i < gradient_sizes.size(); ++i) {
    layers->parameters.push_back({"w" + std::to_string(i), "layer" + std::to_string(i), 100, true});
    StepStatistics::Parameter parameter;
    parameter.gradient.finite = parameter.weight.finite = 100;
    parameter.gradient.sum_of_squares = 100 * gradient_sizes[i] * gradient_sizes[i];
    parameter.weight.sum_of_squares = 100;
    parameter.update_norm = 10 * update_ratio;
    statistics.parameters.push_back(parameter);
  }
  layers->activations.push_back({"relu", "Relu", true, false});
  layers->activations.push_back({"tanh", "Tanh", false, true});
  for (int i = 0; i < 2; ++i) {
    TensorMeasurement measured;
    measured.finite = 1000;
    measured.units = i == 0 ? 50 : 0;
    statistics.activations.push_back(measured);
  }
  statistics.layers = layers;
  return statistics;
}

StepReport Step(int64_t step) {
  StepReport report;
  report.step = step;
  report.learning_rate = 0.01;
  return report;
}

// The findings of as many equal steps.
std::vector<HealthFinding> Watch(const StepStatistics& statistics, int64_t steps = 5) {
  HealthMonitor monitor;
  std::vector<HealthFinding> all;
  for (int64_t step = 1; step <= steps; ++step) {
    for (HealthFinding& finding : monitor.OnStep(Step(step), statistics)) all.push_back(finding);
  }
  return all;
}

std::vector<HealthFinding> WatchEpochs(const std::vector<double>& training,
                                       const std::vector<double>& validation) {
  HealthMonitor monitor;
  std::vector<HealthFinding> all;
  for (size_t i = 0; i < training.size(); ++i) {
    EpochReport report;
    report.epoch = static_cast<int64_t>(i) + 1;
    report.train_loss = training[i];
    if (i < validation.size()) report.validation_loss = validation[i];
    for (HealthFinding& finding : monitor.OnEpoch(report)) all.push_back(finding);
  }
  return all;
}

TEST(HealthMonitor, SaysNothingOfAHealthyStep) {
  EXPECT_TRUE(Watch(Statistics({1e-3, 5e-3, 2e-3, 1e-2})).empty());
}

TEST(HealthMonitor, NamesTheLayersWhoseGradientsVanish) {
  const std::vector<HealthFinding> found = Watch(Statistics({1e-9, 1e-8, 1e-4, 1e-2}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].finding, "vanishing_gradients");
  EXPECT_EQ(found[0].layers, (std::vector<std::string>{"layer0", "layer1"}));
  EXPECT_NE(found[0].message.find("layer0"), std::string::npos);
}

TEST(HealthMonitor, WaitsWhereNoiseMayExplainIt) {
  EXPECT_TRUE(Watch(Statistics({1e-9, 1e-8, 1e-4, 1e-2}), 2).empty());
  EXPECT_EQ(Watch(Statistics({1e-30, 1e-8, 1e-4, 1e-2}), 1).size(), 1u);
  EXPECT_EQ(Watch(Statistics({0, 1e-8, 1e-4, 1e-2}), 1).size(), 1u);
}

TEST(HealthMonitor, TellsExplodingFromVanishing) {
  const std::vector<HealthFinding> found = Watch(Statistics({1e4, 1e2, 1e-3, 1e-4}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].finding, "exploding_gradients");
  EXPECT_EQ(found[0].layers, (std::vector<std::string>{"layer0", "layer1"}));
}

TEST(HealthMonitor, SeesSpikesAndWhatIsNoNumber) {
  HealthMonitor monitor;
  for (int64_t step = 1; step <= 6; ++step) {
    EXPECT_TRUE(monitor.OnStep(Step(step), Statistics({0.1, 0.1})).empty());
  }
  EXPECT_TRUE(monitor.OnStep(Step(7), Statistics({20, 20})).empty());  // one may be chance
  const std::vector<HealthFinding> found = monitor.OnStep(Step(8), Statistics({20, 20}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].finding, "gradient_spike");
  StepStatistics broken = Statistics({0.1, 0.1});
  broken.parameters[1].gradient.not_finite = 1;
  EXPECT_EQ(Watch(broken, 1).at(0).layers, std::vector<std::string>{"layer1"});
}

TEST(HealthMonitor, CountsDeadUnitsAndSaturation) {
  StepStatistics statistics = Statistics({0.1, 0.1});
  statistics.activations[0].dead_units = 26;
  statistics.activations[1].saturated = 501;
  const std::vector<HealthFinding> found = Watch(statistics);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].finding, "dead_units");
  EXPECT_EQ(found[0].layers, std::vector<std::string>{"relu"});
  EXPECT_EQ(found[1].finding, "saturated_activations");
  EXPECT_EQ(found[1].layers, std::vector<std::string>{"tanh"});
}

TEST(HealthMonitor, JudgesTheLearningRateByWhatItMoves) {
  EXPECT_EQ(Watch(Statistics({0.1, 0.1}, 0.2)).at(0).finding, "learning_rate_too_high");
  EXPECT_EQ(Watch(Statistics({0.1, 0.1}, 1e-8)).at(0).finding, "learning_rate_too_low");
}

TEST(HealthMonitor, SeesTheGapWiden) {
  const std::vector<HealthFinding> found =
      WatchEpochs({1, 0.8, 0.6, 0.5, 0.4}, {1, 0.9, 0.95, 1.0, 1.1});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].finding, "overfitting");
  EXPECT_NE(found[0].message.find("epoch 2"), std::string::npos);
  EXPECT_TRUE(WatchEpochs({1, 0.8, 0.6, 0.5}, {1, 0.9, 0.93, 0.92}).empty());
}

TEST(HealthMonitor, TellsAPlateauFromAnEndAndFromARise) {
  EXPECT_EQ(WatchEpochs({2, 1, 1, 1, 1, 1, 1, 1}, {}).at(0).finding, "plateau");
  EXPECT_TRUE(WatchEpochs({2, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3}, {}).empty());
  EXPECT_EQ(WatchEpochs({1, 1.2, 1.6}, {}).at(0).finding, "learning_rate_too_high");
}

TEST(HealthMonitor, SaysEachThingOnceEvenWhenTheRunIsResumed) {
  HealthMonitor monitor({"vanishing_gradients"});
  for (int64_t step = 1; step <= 5; ++step) {
    EXPECT_TRUE(monitor.OnStep(Step(step), Statistics({0, 1})).empty());
  }
}

}  // namespace
}  // namespace strop
