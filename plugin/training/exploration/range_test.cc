#include "plugin/training/exploration/range_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "plugin/training/exploration/local_fit.h"

namespace strop {
namespace {

constexpr int64_t kFewestSteps = 20;
constexpr double kReach = 1.0 / 12;  // of the curve that a local fit sees to either side
constexpr double kSmoothing = 0.9;   // of the losses that decide when the test ends

double Median(std::vector<double> numbers) {
  if (numbers.empty()) return 0;
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

double Mean(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) /
         static_cast<double>(std::max<size_t>(numbers.size(), 1));
}

// Cuts off rises larger than the deepest fall, so that a loss that explodes bends the fit of the
// points before it as little as they bend it.
void ClipRises(size_t reach, std::vector<double>& changes) {
  double fall = 0;
  for (size_t i = 0; i < changes.size(); ++i) {
    const size_t begin = i - std::min(i, reach / 2);
    const size_t end = std::min(i + reach / 2 + 1, changes.size());
    fall = std::min(fall, Median({changes.begin() + static_cast<std::ptrdiff_t>(begin),
                                  changes.begin() + static_cast<std::ptrdiff_t>(end)}));
  }
  for (double& change : changes) change = std::min(change, -fall);
}

// Whether a fall is more than what noise of the points around the fit can make of a fitted value.
bool IsSignificant(double fall, const std::vector<double>& changes,
                   const std::vector<double>& fitted, size_t reach) {
  std::vector<double> distances;
  for (size_t i = 0; i < changes.size(); ++i) distances.push_back(std::abs(changes[i] - fitted[i]));
  constexpr double kDeviationOfMedian = 1.4826;  // of a normal distribution
  const double noise = kDeviationOfMedian * Median(distances);
  return fall > 3 * noise / std::sqrt(static_cast<double>(reach));
}

}  // namespace

absl::Status CheckRangeTestOptions(const RangeTestOptions& options) {
  const double least = options.min_learning_rate;
  const double greatest = options.max_learning_rate;
  if (!(least > 0) || !(greatest > least) || !std::isfinite(greatest)) {
    return absl::InvalidArgumentError(absl::StrCat("range test: found rates from ", least, " to ",
                                                   greatest,
                                                   ", expected a positive one below the other"));
  }
  if (options.steps < kFewestSteps) {
    return absl::InvalidArgumentError(
        absl::StrCat("range test: steps is ", options.steps, ", expected at least ", kFewestSteps));
  }
  if (options.early_stop_threshold > 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("range test: early stop threshold is ",
                                                 options.early_stop_threshold,
                                                 ", expected a number above 1"));
}

TrainingOptions RangeTestTraining(const RangeTestOptions& options, TrainingOptions training) {
  const auto intervals = static_cast<double>(options.steps - 1);
  const double least = options.min_learning_rate;
  const double greatest = options.max_learning_rate;
  ScheduleOptions schedule;
  schedule.unit = ScheduleUnit::kStep;
  if (options.mode == RangeTestOptions::Mode::kExponential) {
    schedule.kind = ScheduleKind::kExponential;
    schedule.gamma = std::pow(greatest / least, 1 / intervals);
    training.learning_rate = least;
  } else {
    // The schedule would be at its end one step behind the last.
    schedule.kind = ScheduleKind::kLinear;
    training.learning_rate = greatest + (greatest - least) / intervals;
    schedule.start_factor = least / training.learning_rate;
    schedule.end_factor = 1;
  }
  training.schedule = schedule;
  training.steps = options.steps;
  training.epochs = options.steps;  // an epoch is at least one step
  training.averaging = {};
  training.metrics.clear();
  training.measurement = {};
  training.early_stopping_patience = 0;
  training.divergence_factor = 0;
  return training;
}

RangeTestCurve::RangeTestCurve(const std::vector<double>& learning_rates,
                               const std::vector<double>& losses,
                               const std::vector<double>& baseline_losses) {
  const size_t count = std::min({learning_rates.size(), losses.size(), baseline_losses.size()});
  if (count == 0) return;
  const auto reach = std::max<size_t>(3, static_cast<size_t>(static_cast<double>(count) * kReach));
  baseline_ = Mean(baseline_losses);
  std::vector<double> changes;
  for (size_t i = 0; i < count; ++i) changes.push_back(losses[i] - baseline_losses[i]);
  ClipRises(reach, changes);
  const LocalFit fit = FitLocally(changes, reach);
  for (size_t i = 0; i < count; ++i) {
    points_.push_back(
        {learning_rates[i], losses[i], baseline_losses[i], baseline_ + fit.values[i]});
  }
  const auto bottom = static_cast<size_t>(std::min_element(fit.values.begin(), fit.values.end()) -
                                          fit.values.begin());
  const double fall = -fit.values[bottom];
  if (!(fall > 0) || !IsSignificant(fall, changes, fit.values, reach)) return;
  size_t onset = bottom;
  while (onset > 0 && fit.values[onset] < -fall / 10) --onset;
  const auto steepest =
      std::min_element(fit.slopes.begin() + static_cast<std::ptrdiff_t>(onset),
                       fit.slopes.begin() + static_cast<std::ptrdiff_t>(bottom) + 1);
  suggestions_ = {.steep = learning_rates[static_cast<size_t>(steepest - fit.slopes.begin())],
                  .valley = learning_rates[(onset + bottom) / 2],
                  .minimum = learning_rates[bottom] / 10};
  falls_to_the_end_ = bottom + 1 == count;
}

double RangeTestCurve::lowest() const {
  double lowest = baseline_;
  for (const RangeTestPoint& point : points_) lowest = std::min(lowest, point.smoothed_loss);
  return lowest;
}

void RangeTestWatch::Add(double learning_rate, double loss) {
  if (!std::isfinite(loss)) {
    has_diverged_ = true;
    return;
  }
  learning_rates_.push_back(learning_rate);
  losses_.push_back(loss);
  average_ = kSmoothing * average_ + (1 - kSmoothing) * loss;
  const auto count = static_cast<double>(losses_.size());
  const double smoothed = average_ / (1 - std::pow(kSmoothing, count));
  if (count <= static_cast<double>(kFewestSteps) / 2) first_ = smoothed;
  best_ = losses_.size() == 1 ? smoothed : std::min(best_, smoothed);
  has_diverged_ = smoothed > options_.early_stop_threshold * best_ && smoothed > first_;
}

}  // namespace strop
