#include "plugin/monitor/health_monitor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace strop {
namespace {

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
  LookAtGradientFlow(report, statistics);
  LookAtGradientNorm(report, statistics);
  LookAtActivations(report, statistics);
  LookAtLearningRate(report, statistics);
  return std::exchange(findings_, {});
}

std::vector<HealthFinding> HealthMonitor::OnEpoch(const EpochReport& report) {
  epochs_.push_back({report.train_loss, report.validation_loss});
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
            "normalization, residual connections or He initialization help",
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
                        "normalization or a smaller initialization help",
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
  const bool has_history = static_cast<int64_t>(gradient_norms_.size()) >= kSpikeHistory;
  const double usual = has_history ? Median(gradient_norms_) : 0;
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
                     " helps"),
        broken);
  }
  if (!is_spike) gradient_norms_.push_back(norm);
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
            "than %g, LeakyRelu, normalization or He initialization help",
            LayerNames(dead), report.step, 100 * most_dead, report.learning_rate),
        dead);
  }
  if (IsDue(kSaturatedRule, !saturated.empty())) {
    Say(kSaturatedRule,
        absl::StrFormat(
            "activations are saturated: in %s more than half have almost no slope (step "
            "%d, up to %.0f %%); smaller initial weights, inputs of mean 0 and "
            "deviation 1, normalization or ReLU help",
            LayerNames(saturated), report.step, 100 * most_saturated),
        saturated);
  }
}

void HealthMonitor::LookAtLearningRate(const StepReport& report, const StepStatistics& statistics) {
  const double ratio = statistics.update_ratio();
  largest_rate_ = std::max(largest_rate_, report.learning_rate);
  if (IsDue(kRateTooHighRule, ratio > kRateTooHighRule.threshold)) {
    Say(kRateTooHighRule,
        absl::StrFormat("the learning rate %g is too high: a step moves the weights by %.0f %% of "
                        "their size (step %d), about 0.1 %% is usual; try %.1g",
                        report.learning_rate, 100 * ratio, report.step,
                        report.learning_rate * 1e-2 / ratio));
  }
  const bool is_low_by_schedule = report.learning_rate < kScheduledShare * largest_rate_;
  const bool is_low =
      ratio < kRateTooLowRule.threshold && report.learning_rate > 0 && !is_low_by_schedule;
  if (IsDue(kRateTooLowRule, is_low)) {
    Say(kRateTooLowRule,
        absl::StrFormat(
            "the learning rate %g is too low: a step moves the weights by %.2g of their "
            "size (step %d), about 1e-3 is usual; try a hundred times as much, or "
            "another optimizer",
            report.learning_rate, ratio, report.step));
  }
}

void HealthMonitor::LookForRisingLoss(const EpochReport& report) {
  const double first = epochs_.front().train_loss;
  if (!IsDue(kRisingLossRule, first > 0 && report.train_loss > kRisingLossRule.threshold * first)) {
    return;
  }
  Say(kRisingLossRule,
      absl::StrFormat("the learning rate %g is too high: the training loss has risen from %.4g to "
                      "%.4g (epoch %d); try a tenth",
                      report.learning_rate, first, report.train_loss, report.epoch));
}

void HealthMonitor::LookForOverfitting(const EpochReport& report) {
  if (!report.validation_loss) return;
  size_t best = epochs_.size() - 1;
  for (size_t i = 0; i < epochs_.size(); ++i) {
    if (epochs_[i].validation_loss &&
        *epochs_[i].validation_loss < *epochs_[best].validation_loss) {
      best = i;
    }
  }
  const double best_loss = *epochs_[best].validation_loss;
  const bool widens = best_loss > 0 &&
                      *report.validation_loss > (1 + kOverfittingRule.threshold) * best_loss &&
                      report.train_loss < epochs_[best].train_loss;
  if (!IsDue(kOverfittingRule, widens)) return;
  const int64_t best_epoch = report.epoch - static_cast<int64_t>(epochs_.size() - 1 - best);
  Say(kOverfittingRule,
      absl::StrFormat(
          "the model overfits: since epoch %d the validation loss has risen from %.4g to "
          "%.4g while the training loss fell from %.4g to %.4g (epoch %d); "
          "--early-stopping, --weight-decay, dropout, augmentation or more data help",
          best_epoch, best_loss, *report.validation_loss, epochs_[best].train_loss,
          report.train_loss, report.epoch));
}

void HealthMonitor::LookForPlateau(const EpochReport& report) {
  const auto patience = static_cast<size_t>(kPlateauRule.patience);
  if (epochs_.size() <= patience || said_.contains(std::string(kPlateauRule.finding))) return;
  const double first = epochs_.front().train_loss;
  const double before = epochs_[epochs_.size() - 1 - patience].train_loss;
  const double improvement = (before - report.train_loss) / std::abs(before);
  const bool is_done = std::abs(report.train_loss) < kDoneShare * std::abs(first);
  if (!(improvement >= 0 && improvement < kPlateauRule.threshold) || is_done) return;
  Say(kPlateauRule,
      absl::StrFormat("the training loss is on a plateau: %.4g, %.2g %% better than %d epochs ago "
                      "(epoch %d); another learning rate, a schedule that lowers it, or a larger "
                      "model may help",
                      report.train_loss, 100 * improvement, kPlateauRule.patience, report.epoch),
      {}, /*is_warning=*/false);
}

bool HealthMonitor::IsDue(const HealthRule& rule, bool holds, bool is_certain) {
  if (said_.contains(std::string(rule.finding))) return false;
  int64_t& looks = looks_[&rule];
  if (!holds) {
    looks = 0;
    return false;
  }
  return ++looks >= rule.patience || is_certain;
}

void HealthMonitor::Say(const HealthRule& rule, std::string message,
                        std::vector<std::string> layers, bool is_warning) {
  said_.insert(std::string(rule.finding));
  findings_.push_back(
      {std::string(rule.finding), is_warning, std::move(message), std::move(layers)});
}

}  // namespace strop
