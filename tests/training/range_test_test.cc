#include "plugin/training/exploration/range_test.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "plugin/training/exploration/local_fit.h"

namespace strop {
namespace {

// A fall of 1 in the middle of which the rate is 10^-3, and an explosion from 10^-0.5 on.
double ChangeAt(double rate) {
  const double position = std::log10(rate) + 3;
  const double rise = std::pow(std::max(0.0, position - 2.5) * 10, 4);
  return rise - 1 / (1 + std::exp(-4 * position));
}

// A test of a model whose loss is 2 on the mean batch, with batches that differ.
RangeTestCurve CurveWith(const RangeTestOptions& options, double batch_noise, double step_noise,
                         double fall = 1) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> rates;
  std::vector<double> losses;
  std::vector<double> baseline;
  const double growth = std::pow(options.max_learning_rate / options.min_learning_rate,
                                 1 / static_cast<double>(options.steps - 1));
  double rate = options.min_learning_rate;
  for (int64_t i = 0; i < options.steps; ++i, rate *= growth) {
    rates.push_back(rate);
    baseline.push_back(2 + batch_noise * normal(random));
    losses.push_back(baseline.back() + fall * ChangeAt(rate) + step_noise * normal(random));
  }
  return RangeTestCurve(rates, losses, baseline);
}

TEST(RangeTest, FindsTheFallInThreeWays) {
  const RangeTestCurve curve = CurveWith({}, 0, 0);
  ASSERT_TRUE(curve.suggestions().has_value());
  EXPECT_NEAR(std::log10(curve.suggestions()->steep), -3, 0.1);
  const double bottom = std::log10(curve.suggestions()->minimum) + 1;
  EXPECT_GT(bottom, -2.5);
  EXPECT_LT(bottom, -0.5);
  EXPECT_GT(curve.suggestions()->valley, curve.suggestions()->steep);
  EXPECT_LT(std::log10(curve.suggestions()->valley), bottom);
  EXPECT_NEAR(curve.baseline(), 2, 1e-9);
  EXPECT_NEAR(curve.lowest(), 1, 0.05);
  EXPECT_FALSE(curve.falls_to_the_end());
}

// Batches whose losses differ by far more than the loss falls.
TEST(RangeTest, DoesNotTakeEasyBatchesForProgress) {
  const RangeTestCurve exact = CurveWith({}, 0, 0);
  const RangeTestCurve noisy = CurveWith({}, 5, 0.2);
  ASSERT_TRUE(noisy.suggestions().has_value());
  EXPECT_NEAR(std::log10(noisy.suggestions()->valley), std::log10(exact.suggestions()->valley),
              0.5);
  EXPECT_NEAR(std::log10(noisy.suggestions()->steep), std::log10(exact.suggestions()->steep), 0.5);
}

TEST(RangeTest, SuggestsNothingWhereNothingFalls) {
  EXPECT_FALSE(CurveWith({}, 0, 0, 0).suggestions().has_value());
  EXPECT_FALSE(CurveWith({}, 1, 1, 1e-3).suggestions().has_value());
  EXPECT_FALSE(RangeTestCurve({}, {}, {}).suggestions().has_value());
}

TEST(RangeTest, SaysThatTheRangeIsTooShort) {
  const RangeTestOptions options = {.max_learning_rate = 1e-3};
  EXPECT_TRUE(CurveWith(options, 0, 0).falls_to_the_end());
}

TEST(RangeTest, WatchEndsTheTestWhenTheLossExplodes) {
  RangeTestWatch watch({});
  for (int i = 0; i < 50; ++i) watch.Add(1e-3, 2.0 - i * 0.02);
  EXPECT_FALSE(watch.has_diverged());
  for (int i = 0; i < 20 && !watch.has_diverged(); ++i) watch.Add(1, std::pow(2.0, i));
  EXPECT_TRUE(watch.has_diverged());
  RangeTestWatch infinite({});
  infinite.Add(1e-7, std::nan(""));
  EXPECT_TRUE(infinite.has_diverged());
  EXPECT_TRUE(infinite.losses().empty());
}

// An almost perfect model, whose loss is many times its best at every hard batch.
TEST(RangeTest, WatchLetsANearlyPerfectModelBe) {
  RangeTestWatch watch({});
  for (int i = 0; i < 100; ++i) watch.Add(1e-7, i < 10 ? 1e-3 : (i % 10 == 0 ? 1e-4 : 1e-6));
  EXPECT_FALSE(watch.has_diverged());
}

TEST(RangeTest, RatesGoFromTheLeastToTheGreatest) {
  using Mode = RangeTestOptions::Mode;
  for (const Mode mode : {Mode::kExponential, Mode::kLinear}) {
    const RangeTestOptions options = {1e-5, 0.1, 50, mode};
    TrainingOptions training = RangeTestTraining(options, {});
    EXPECT_TRUE(CheckTrainingOptions(training, false).ok());
    const Schedule schedule(training.schedule, training.learning_rate, *training.steps, 7);
    EXPECT_NEAR(schedule.At(0, {}), 1e-5, 1e-12);
    EXPECT_NEAR(schedule.At(49, {}), 0.1, 1e-9);
    const double middle =
        mode == Mode::kLinear ? (1e-5 * 24 + 0.1 * 25) / 49 : 1e-5 * std::pow(1e4, 25.0 / 49);
    EXPECT_NEAR(schedule.At(25, {}), middle, 1e-9);
  }
}

TEST(RangeTest, RefusesRangesThatMakeNoSense) {
  EXPECT_TRUE(CheckRangeTestOptions({}).ok());
  EXPECT_FALSE(CheckRangeTestOptions({.min_learning_rate = 1, .max_learning_rate = 0.1}).ok());
  EXPECT_FALSE(CheckRangeTestOptions({.min_learning_rate = 0}).ok());
  EXPECT_FALSE(CheckRangeTestOptions({.steps = 3}).ok());
  EXPECT_FALSE(CheckRangeTestOptions({.early_stop_threshold = 1}).ok());
}

TEST(LocalFit, GivesALineBack) {
  std::vector<double> line;
  for (int i = 0; i < 12; ++i) line.push_back(3 - 0.5 * i);
  const LocalFit fit = FitLocally(line, 4);
  for (size_t i = 0; i < line.size(); ++i) {
    EXPECT_NEAR(fit.values[i], line[i], 1e-12);
    EXPECT_NEAR(fit.slopes[i], -0.5, 1e-12);
  }
  EXPECT_EQ(FitLocally({7}, 4).values, std::vector<double>({7}));
}

}  // namespace
}  // namespace strop
