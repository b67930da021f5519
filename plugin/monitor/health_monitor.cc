#include "plugin/monitor/health_monitor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "plugin/monitor/loss_trend.h"

namespace strop {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// «"conv1"», «"conv1" and "conv2"», «12 layers from "conv1" to "conv12"».
std::string LayerNames(const std::vector<std::string>& layers) {
  if (layers.size() == 1) return absl::StrCat("layer \"", layers[0], "\"");
  if (layers.size() == 2) {
    return absl::StrCat("layers \"", layers[0], "\" and \"", layers[1], "\"");
  }
  return absl::StrCat(layers.size(), " layers from \"", layers.front(), "\" to \"", layers.back(),
                      "\"");
}

double Median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

// Adds a number to the last `most`.
void Remember(double number, size_t most, std::vector<double>& numbers) {
  if (numbers.size() == most) numbers.erase(numbers.begin());
  numbers.push_back(number);
}

// Weights of the layers that a gradient flows through, in forward order; biases and scales follow
// their layer.
struct Flow {
  std::vector<std::string> layers;
  std::vector<double> sizes;  // root mean square of the gradient
  double largest = 0;
};

Flow FlowOf(const StepStatistics& statistics) {
  Flow flow;
  for (size_t i = 0; i < statistics.parameters.size(); ++i) {
    const WatchedLayers::Parameter& parameter = statistics.layers->parameters[i];
    if (!parameter.is_matrix) continue;
    flow.layers.push_back(parameter.layer);
    flow.sizes.push_back(statistics.parameters[i].gradient.root_mean_square());
    flow.largest = std::max(flow.largest, flow.sizes.back());
  }
  return flow;
}

}  // namespace

std::vector<HealthFinding> HealthMonitor::OnStep(const StepReport& report,
                                                 const StepStatistics& statistics) {
  const bool is_too_near =
      state_.last_look > 0 && report.step - state_.last_look < kStepsBetweenLooks;
  if (is_too_near) return {};
  state_.last_look = report.step;
  LookAtGradientFlow(report, statistics);
  LookAtGradientNorm(report, statistics);
  LookAtActivations(report, statistics);
  LookAtLearningRate(report, statistics);
  return std::exchange(findings_, {});
}

std::vector<HealthFinding> HealthMonitor::OnEpoch(const EpochReport& report) {
  if (!state_.first_loss) state_.first_loss = report.train_loss;
  Remember(report.train_loss, kRememberedEpochs, state_.training_losses);
  Remember(report.validation_loss.value_or(kNothing), kRememberedEpochs, state_.validation_losses);
  LookForRisingLoss(report);
  LookForOverfitting(report);
  LookForPlateau(report);
  return std::exchange(findings_, {});
}

void HealthMonitor::LookAtGradientFlow(const StepReport& report, const StepStatistics& statistics) {
  const Flow flow = FlowOf(statistics);
  std::vector<std::string> small;
  double small_positions = 0;
  double large_positions = 0;
  double smallest = 1;
  for (size_t i = 0; i < flow.layers.size() && flow.largest > 0; ++i) {
    const double share = flow.sizes[i] / flow.largest;
    smallest = std::min(smallest, share);
    if (share < kVanishingRule.threshold) {
      small.push_back(flow.layers[i]);
      small_positions += static_cast<double>(i);
    } else {
      large_positions += static_cast<double>(i);
    }
  }
  const auto count = static_cast<double>(small.size());
  const double others = static_cast<double>(flow.layers.size()) - count;
  const bool is_near_input = count > 0 && small_positions * others < large_positions * count;
  const bool is_certain = smallest < kCertainRatio;
  if (IsDue(kVanishingRule, is_near_input, is_certain)) {
    Say(kVanishingRule,
        absl::StrFormat(
            "gradients vanish on the way back: %s, of %d, get less than %g of the "
            "largest layer's gradient (step %d, the least %.2g); ReLU-like activations, "
            "normalization, residual connections or He initialization may help",
            LayerNames(small), flow.layers.size(), kVanishingRule.threshold, report.step, smallest),
        small);
  }
  if (IsDue(kExplodingRule, count > 0 && !is_near_input, is_certain)) {
    std::vector<std::string> large;
    for (size_t i = 0; i < flow.layers.size(); ++i) {
      if (flow.sizes[i] >= kExplodingRule.threshold * flow.largest) large.push_back(flow.layers[i]);
    }
    Say(kExplodingRule,
        absl::StrFormat("gradients explode on the way back: %s get more than %g times the gradient "
                        "of the last layers (step %d); --clip-norm, a lower learning rate, "
                        "normalization or a smaller initialization may help",
                        LayerNames(large), 1 / kExplodingRule.threshold, report.step),
        large);
  }
}

void HealthMonitor::LookAtGradientNorm(const StepReport& report, const StepStatistics& statistics) {
  const double norm = statistics.gradient_norm();
  std::vector<std::string> broken;
  for (size_t i = 0; i < statistics.parameters.size(); ++i) {
    if (statistics.parameters[i].gradient.not_finite > 0) {
      broken.push_back(statistics.layers->parameters[i].layer);
    }
  }
  const bool has_history = state_.gradient_norms.size() >= kSpikeHistory;
  const double usual = has_history ? Median(state_.gradient_norms) : 0;
  const bool is_spike = has_history && usual > 0 && norm > kGradientSpikeRule.threshold * usual;
  if (IsDue(kGradientSpikeRule, is_spike || !broken.empty(), !broken.empty())) {
    const std::string what =
        broken.empty()
            ? absl::StrFormat("the gradient's norm is %.3g at step %d, %.0f times the usual", norm,
                              report.step, norm / usual)
            : absl::StrFormat("gradients are infinite or NaN at step %d in %s", report.step,
                              LayerNames(broken));
    Say(kGradientSpikeRule,
        absl::StrCat(what, "; --clip-norm 1 or a lower learning rate than ", report.learning_rate,
                     " may help"),
        broken);
  }
  if (!is_spike) Remember(norm, kMostSpikeHistory, state_.gradient_norms);
}

void HealthMonitor::LookAtActivations(const StepReport& report, const StepStatistics& statistics) {
  std::vector<std::string> dead;
  std::vector<std::string> saturated;
  double most_dead = 0;
  double most_saturated = 0;
  for (size_t i = 0; i < statistics.activations.size(); ++i) {
    const TensorMeasurement& measured = statistics.activations[i];
    const WatchedLayers::Activation& activation = statistics.layers->activations[i];
    if (activation.can_die && measured.units > 0) {
      const double share = measured.dead_units / measured.units;
      most_dead = std::max(most_dead, share);
      if (share > kDeadUnitsRule.threshold) dead.push_back(activation.node);
    }
    if (activation.can_saturate && measured.finite > 0) {
      const double share = measured.saturated / measured.finite;
      most_saturated = std::max(most_saturated, share);
      if (share > kSaturatedRule.threshold) saturated.push_back(activation.node);
    }
  }
  if (IsDue(kDeadUnitsRule, !dead.empty(), most_dead == 1)) {
    Say(kDeadUnitsRule,
        absl::StrFormat(
            "units are dead: in %s more than half are 0 for every sample of the batch "
            "(step %d, up to %.0f %%) and learn nothing any more; a lower learning rate "
            "than %g, LeakyRelu, normalization or He initialization may help",
            LayerNames(dead), report.step, 100 * most_dead, report.learning_rate),
        dead);
  }
  if (IsDue(kSaturatedRule, !saturated.empty())) {
    Say(kSaturatedRule,
        absl::StrFormat(
            "activations are saturated: in %s more than half have almost no slope (step "
            "%d, up to %.0f %%); smaller initial weights, inputs of mean 0 and "
            "deviation 1, normalization or ReLU may help",
            LayerNames(saturated), report.step, 100 * most_saturated),
        saturated);
  }
}

void HealthMonitor::LookAtLearningRate(const StepReport& report, const StepStatistics& statistics) {
  const double ratio = statistics.update_ratio();
  state_.largest_rate = std::max(state_.largest_rate, report.learning_rate);
  if (IsDue(kRateTooHighRule, ratio > kRateTooHighRule.threshold)) {
    Say(kRateTooHighRule,
        absl::StrFormat(
            "the learning rate %g may be too high: a step moves the weights by %.0f %% of "
            "their size (step %d), about 0.1 %% is usual; try %.1g",
            report.learning_rate, 100 * ratio, report.step, report.learning_rate * 1e-2 / ratio));
  }
  const bool is_low_by_schedule = report.learning_rate < kScheduledShare * state_.largest_rate;
  const bool is_low =
      ratio < kRateTooLowRule.threshold && report.learning_rate > 0 && !is_low_by_schedule;
  if (IsDue(kRateTooLowRule, is_low)) {
    Say(kRateTooLowRule,
        absl::StrFormat(
            "the learning rate %g may be too low: a step moves the weights by %.2g of their "
            "size (step %d), about 1e-3 is usual; a hundred times as much, or another "
            "optimizer, may help",
            report.learning_rate, ratio, report.step));
  }
}

void HealthMonitor::LookForRisingLoss(const EpochReport& report) {
  if (IsOff(kRisingLossRule)) return;
  const std::optional<double> scatter = ScatterOf(state_.training_losses);
  const double first = *state_.first_loss;
  const double now = MeanOfLast(state_.training_losses, kSmoothedEpochs);
  const double error = scatter.value_or(kNothing) * std::sqrt(1 + 1.0 / kSmoothedEpochs);
  const bool rises =
      first > 0 && now > kRisingLossRule.threshold * first && now - first > kCertainErrors * error;
  if (!rises) return;
  Say(kRisingLossRule,
      absl::StrFormat("the learning rate %g may be too high: the training loss has risen from %.4g "
                      "to %.4g (epoch %d) and scatters by %.2g; a tenth may help",
                      report.learning_rate, first, now, report.epoch, *scatter));
}

void HealthMonitor::LookForOverfitting(const EpochReport& report) {
  if (state_.validation_losses.size() < kSmoothedEpochs) return;
  const double validation = MeanOfLast(state_.validation_losses, kSmoothedEpochs);
  const double training = MeanOfLast(state_.training_losses, kSmoothedEpochs);
  std::optional<HealthState::Best>& best = state_.best_validation;
  if (!best || validation < best->validation_loss) {
    const int64_t middle = report.epoch - static_cast<int64_t>(kSmoothedEpochs / 2);
    if (std::isfinite(validation)) best = {middle, validation, training};
    return;
  }
  if (IsOff(kOverfittingRule) || !(best->validation_loss > 0)) return;
  const std::optional<double> scatter = ScatterOf(state_.validation_losses);
  const std::optional<double> training_scatter = ScatterOf(state_.training_losses);
  if (!scatter || !training_scatter) return;
  const double errors = std::sqrt(2.0 / kSmoothedEpochs);  // of a difference of two means
  const double rise = validation - best->validation_loss;
  const bool widens = rise > kOverfittingRule.threshold * best->validation_loss &&
                      rise > kCertainErrors * errors * *scatter &&
                      best->training_loss - training > kLikelyErrors * errors * *training_scatter;
  if (!widens) return;
  Say(kOverfittingRule,
      absl::StrFormat(
          "the model seems to overfit: since epoch %d the validation loss has risen from %.4g to "
          "%.4g, where it scatters by %.2g, while the training loss fell from %.4g to %.4g (means "
          "of %d epochs, epoch %d); --early-stopping, --weight-decay, dropout, augmentation or "
          "more data may help",
          best->epoch, best->validation_loss, validation, *scatter, best->training_loss, training,
          kSmoothedEpochs, report.epoch));
}

void HealthMonitor::LookForPlateau(const EpochReport& report) {
  if (IsOff(kPlateauRule)) return;
  const absl::Span<const double> losses = state_.training_losses;
  const std::optional<double> scatter = ScatterOf(losses);
  const bool is_done = std::abs(report.train_loss) < kDoneShare * std::abs(*state_.first_loss);
  if (!scatter || is_done) return;
  for (const size_t window : kPlateauWindows) {
    if (losses.size() < 2 * window) return;
    const double now = MeanOfLast(losses, window);
    const double before = MeanOfLast(losses.first(losses.size() - window), window);
    const double share = kPlateauEpochs / static_cast<double>(window) / std::abs(before);
    const double improvement = (before - now) * share;
    const double error = *scatter * std::sqrt(2 / static_cast<double>(window)) * share;
    if (!(std::abs(improvement) + kLikelyErrors * error < kPlateauRule.threshold)) continue;
    Say(kPlateauRule,
        absl::StrFormat("the training loss is on a plateau: %.4g, over %d epochs as good as no "
                        "better (epoch %d); another learning rate, a schedule that lowers it, or a "
                        "larger model may help",
                        now, 2 * window, report.epoch),
        {}, /*is_warning=*/false);
    return;
  }
}

bool HealthMonitor::IsOff(const HealthRule& rule) const {
  return state_.findings.contains(std::string(rule.finding)) ||
         static_cast<int64_t>(state_.training_losses.size()) < rule.patience;
}

bool HealthMonitor::IsDue(const HealthRule& rule, bool holds, bool is_certain) {
  const std::string finding(rule.finding);
  if (state_.findings.contains(finding)) return false;
  int64_t& looks = state_.looks[finding];
  if (!holds) {
    looks = 0;
    return false;
  }
  return ++looks >= rule.patience || is_certain;
}

void HealthMonitor::Say(const HealthRule& rule, std::string message,
                        std::vector<std::string> layers, bool is_warning) {
  state_.findings.insert(std::string(rule.finding));
  findings_.push_back(
      {std::string(rule.finding), is_warning, std::move(message), std::move(layers)});
}

}  // namespace strop
