// What the health monitor says of runs whose course is known.

#include "plugin/monitor/health_monitor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "plugin/monitor/loss_trend.h"
#include "plugin/training/run/run_state_json.h"

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

// The n-th step that is looked at.
StepReport Step(int64_t n) {
  StepReport report;
  report.step = n * kStepsBetweenLooks;
  report.learning_rate = 0.01;
  return report;
}

// The findings of as many equal steps.
std::vector<HealthFinding> Watch(const StepStatistics& statistics, int64_t steps = 5) {
  HealthState state;
  HealthMonitor monitor(state);
  std::vector<HealthFinding> all;
  for (int64_t step = 1; step <= steps; ++step) {
    for (HealthFinding& finding : monitor.OnStep(Step(step), statistics)) all.push_back(finding);
  }
  return all;
}

// The state as a checkpoint brings it back.
HealthState Kept(const HealthState& state) {
  RunState run;
  run.health = state;
  RunState restored;
  EXPECT_TRUE(RunStateFromJson(RunStateToJson(run), restored).ok());
  return restored.health;
}

// With breaks after every so many epochs, from which the run goes on; 0: none.
std::vector<HealthFinding> WatchEpochs(const std::vector<double>& training,
                                       const std::vector<double>& validation,
                                       size_t epochs_between_breaks = 0) {
  HealthState state;
  std::vector<HealthFinding> all;
  for (size_t i = 0; i < training.size(); ++i) {
    if (epochs_between_breaks > 0 && i % epochs_between_breaks == 0) state = Kept(state);
    HealthMonitor monitor(state);
    EpochReport report;
    report.epoch = static_cast<int64_t>(i) + 1;
    report.is_whole = true;
    report.train_loss = training[i];
    if (i < validation.size()) report.validation_loss = validation[i];
    for (HealthFinding& finding : monitor.OnEpoch(report)) all.push_back(finding);
  }
  return all;
}

// `count` epochs of value(epoch) · (1 + noise · N(0, 1)).
template <typename Value>
std::vector<double> Noisy(size_t count, double noise, uint32_t seed, const Value& value) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> losses;
  for (size_t epoch = 0; epoch < count; ++epoch) {
    losses.push_back(value(static_cast<double>(epoch)) * std::abs(1 + noise * normal(random)));
  }
  return losses;
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
  HealthState state;
  HealthMonitor monitor(state);
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

TEST(HealthMonitor, LooksAtStepsThatAreApart) {
  HealthState state;
  HealthMonitor monitor(state);
  const StepStatistics statistics = Statistics({1e-9, 1e-8, 1e-4, 1e-2});
  StepReport report = Step(1);
  for (report.step = 1; report.step <= 2 * kStepsBetweenLooks; ++report.step) {
    EXPECT_TRUE(monitor.OnStep(report, statistics).empty()) << report.step;
  }
  EXPECT_EQ(monitor.OnStep(report, statistics).size(), 1u);
}

TEST(HealthMonitor, SeesTheGapWiden) {
  const std::vector<HealthFinding> found = WatchEpochs(
      {1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15}, {1, 0.9, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.2});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].finding, "overfitting");
  EXPECT_NE(found[0].message.find("since epoch 3 "), std::string::npos) << found[0].message;
  EXPECT_TRUE(WatchEpochs({1, 0.8, 0.6, 0.5, 0.4, 0.3}, {1, 0.9, 0.9, 0.92, 0.93, 0.92}).empty());
}

TEST(HealthMonitor, TakesNoScatterForATrend) {
  EXPECT_TRUE(WatchEpochs({1, 0.8, 0.7, 0.6, 0.5, 0.4}, {1, 0.8, 0.9, 0.92, 0.7, 0.95}).empty());
  int64_t alarms = 0;
  int64_t seen = 0;
  constexpr int kRuns = 200;
  for (uint32_t run = 0; run < kRuns; ++run) {
    const auto falling = [](double epoch) { return 0.3 + std::exp(-epoch / 20); };
    const auto flat = [](double epoch) { return 0.3 + 0.7 * std::exp(-epoch / 5); };
    const auto rising = [flat](double epoch) {
      return flat(epoch) + 0.02 * std::max(epoch - 8, 0.0);
    };
    const std::vector<double> training = Noisy(60, 0.02, run, falling);
    alarms += WatchEpochs(training, Noisy(60, 0.1, kRuns + run, flat)).empty() ? 0 : 1;
    const std::vector<HealthFinding> found =
        WatchEpochs(training, Noisy(60, 0.1, kRuns + run, rising));
    seen += !found.empty() && found[0].finding == "overfitting" ? 1 : 0;
  }
  EXPECT_LE(alarms, kRuns / 20);
  EXPECT_EQ(seen, kRuns);
}

TEST(HealthMonitor, TellsAPlateauFromAnEndAndFromARise) {
  const std::vector<double> stuck = {2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(WatchEpochs(stuck, {}).at(0).finding, "plateau");
  EXPECT_TRUE(
      WatchEpochs({2, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3}, {}).empty());
  EXPECT_EQ(WatchEpochs({1, 1.2, 1.6, 2, 2.5, 3}, {}).at(0).finding, "learning_rate_too_high");
  const auto still_falls = [](double epoch) { return 1 - 0.002 * epoch; };
  const auto level = [](double) { return 1.0; };
  for (uint32_t run = 0; run < 20; ++run) {
    EXPECT_TRUE(WatchEpochs(Noisy(40, 2e-3, run, still_falls), {}).empty()) << run;
    EXPECT_EQ(WatchEpochs(Noisy(40, 2e-3, run, level), {}).size(), 1u) << run;
  }
}

TEST(HealthMonitor, SaysEachThingOnceEvenWhenTheRunIsResumed) {
  HealthState state;
  state.findings = {"vanishing_gradients"};
  HealthMonitor monitor(state);
  for (int64_t step = 1; step <= 5; ++step) {
    EXPECT_TRUE(monitor.OnStep(Step(step), Statistics({0, 1})).empty());
  }
}

TEST(HealthMonitor, ARunThatGoesOnSaysWhatOneWithoutABreakSays) {
  const auto course = [](double epoch) { return 0.2 + std::exp(-epoch / 6); };
  const auto overfits = [course](double epoch) { return course(epoch) + 0.02 * epoch; };
  for (const double noise : {0.0, 0.05, 0.4}) {
    const std::vector<double> training = Noisy(50, noise, 1, course);
    const std::vector<double> validation = Noisy(50, noise, 2, overfits);
    const std::vector<HealthFinding> whole = WatchEpochs(training, validation);
    for (const size_t epochs : {1u, 4u, 7u}) {
      const std::vector<HealthFinding> resumed = WatchEpochs(training, validation, epochs);
      ASSERT_EQ(resumed.size(), whole.size());
      for (size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(resumed[i].message, whole[i].message);
    }
  }
  HealthState state;
  for (int64_t step = 1; step <= 3; ++step) {  // a look each, with a break behind it
    HealthMonitor monitor(state);
    EXPECT_EQ(monitor.OnStep(Step(step), Statistics({1e-9, 1e-2})).size(), step == 3 ? 1u : 0u);
    state = Kept(state);
  }
}

// The deviation of a sample about its straight line: for white noise the two estimate the same.
TEST(LossTrend, ScatterLeavesTheTrendOut) {
  const std::vector<double> line = {1, 3, 5, 7, 9, 11};
  EXPECT_NEAR(*ScatterOf(line), 0, 1e-12);
  EXPECT_NEAR(*ScatterOf({9, 1, 1, 1, 1, 1, 1, 1}), 0, 1e-12);  // nor does one bend count
  EXPECT_FALSE(ScatterOf({1, 2, 1, 2}).has_value());
  EXPECT_FALSE(ScatterOf({1, 2, std::nan(""), 2, 1, 2}).has_value());
  const std::vector<double> noise = Noisy(20000, 0.1, 3, [](double) { return 1.0; });
  EXPECT_NEAR(*ScatterOf(noise), 0.1, 0.002);
}

}  // namespace
}  // namespace strop
