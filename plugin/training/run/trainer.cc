#include "plugin/training/run/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/engine/runtime/anomaly.h"
#include "plugin/training/graph/loss_weight.h"
#include "plugin/training/run/finite_weights.h"
#include "plugin/training/run/shuffle.h"

namespace strop {
namespace {

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The order of the samples in an epoch, which counts from 1.
std::vector<int64_t> EpochOrder(int64_t samples, const TrainingOptions& options, uint64_t epoch) {
  if (options.shuffle) return ShuffledOrder(samples, options.seed, epoch);
  std::vector<int64_t> order(static_cast<size_t>(samples));
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

}  // namespace

int64_t Trainer::batches_per_epoch() const {
  return options_.drop_last ? sample_count_ / batch_size_
                            : (sample_count_ + batch_size_ - 1) / batch_size_;
}

int64_t Trainer::steps_per_epoch() const {
  return (batches_per_epoch() + options_.accumulation_steps - 1) / options_.accumulation_steps;
}

int64_t Trainer::steps_of_run() const {
  const int64_t most = options_.steps.value_or(std::numeric_limits<int64_t>::max());
  const bool is_over_most = options_.epochs > most / steps_per_epoch();
  return is_over_most ? most : std::min(most, options_.epochs * steps_per_epoch());
}

int Trainer::PhaseOf(int64_t epoch) const {
  const auto next = std::upper_bound(phase_starts_.begin(), phase_starts_.end(), epoch);
  return static_cast<int>(next - phase_starts_.begin()) - 1;
}

bool Trainer::HasAllSteps() const {
  return options_.steps.has_value() && state_.steps >= *options_.steps;
}

bool Trainer::IsOver() const {
  return was_stopped_ || divergence_.has_value() || state_.epochs >= options_.epochs ||
         early_stopping_.IsOver(state_) || (HasAllSteps() && state_.reported_steps == state_.steps);
}

// States take the layout that the first plan prefers. A run that goes on has to plan in the order
// of one that begins, or its sums would have another order.
absl::Status Trainer::PlanFullBatch() {
  std::vector<int64_t> indices(static_cast<size_t>(batch_size_));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  const AugmentationKey key = {options_.seed, static_cast<uint64_t>(state_.epochs) + 1};
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> read, reader_->ReadAugmented(indices, key));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> batch, mixer_.Mix(read, state_.batches));
  return sessions_->Prepare(batch);
}

absl::StatusOr<TrainingResult> Trainer::Run(const TrainingCallbacks& callbacks) {
  was_stopped_ = false;
  if (!IsOver()) STROP_RETURN_IF_ERROR(PlanFullBatch());
  if (state_.epochs > 0 && state_.batches_of_epoch == 0) {  // a run that goes on
    STROP_RETURN_IF_ERROR(good_weights_.Remember(state_.epochs, evaluated_, *store_));
  }
  const int64_t first_step = state_.steps;
  absl::Status status;
  while (status.ok() && !IsOver()) status = GoOn(callbacks);
  TrainingResult result;
  result.was_stopped = was_stopped_;
  result.epochs = state_.epochs + (state_.batches_of_epoch > 0 ? 1 : 0);
  if (status.ok() && !divergence_) {
    result.best_epoch = state_.best_epoch;
    if (options_.early_stopping_patience > 0) {
      result.stopped_early = !was_stopped_ && early_stopping_.IsOver(state_);
    }
    status = Finish(result);
    if (status.ok()) status = CheckWeights();
  }
  result.steps = state_.steps;
  if (status.ok() && !divergence_) return result;
  if (!status.ok() && state_.steps == first_step) return status;
  STROP_ASSIGN_OR_RETURN(result.weights_epoch, good_weights_.Restore(*store_));
  result.weights = result.weights_epoch ? FinalWeights::kLast : FinalWeights::kNone;
  if (!status.ok()) {
    result.failure = TrainingFailure{status, result.steps, result.epochs, result.weights_epoch};
    return result;
  }
  divergence_->restored_epoch = result.weights_epoch;
  result.divergence = divergence_;
  return result;
}

absl::Status Trainer::GoOn(const TrainingCallbacks& callbacks) {
  const auto start = std::chrono::steady_clock::now();
  STROP_ASSIGN_OR_RETURN(EpochReport report, RunEpoch(callbacks));
  if (divergence_) return absl::OkStatus();
  STROP_RETURN_IF_ERROR(CheckWeights());
  if (divergence_) return absl::OkStatus();
  report.is_whole = state_.batches_of_epoch == batches_per_epoch() && !was_stopped_;
  const absl::Status validated = Validate(report);
  if (divergence_) return absl::OkStatus();
  if (report.is_whole) {
    STROP_RETURN_IF_ERROR(EndEpoch());
    const bool may_fail = !IsOver() || statistics_ != nullptr;  // after this
    if (may_fail || !validated.ok()) {
      STROP_RETURN_IF_ERROR(good_weights_.Remember(report.epoch, evaluated_, *store_));
    }
  }
  STROP_RETURN_IF_ERROR(validated);
  if (!was_stopped_) state_.reported_steps = state_.steps;
  report.seconds = SecondsSince(start);
  if (callbacks.on_epoch) callbacks.on_epoch(report);
  return absl::OkStatus();
}

absl::StatusOr<EpochReport> Trainer::RunEpoch(const TrainingCallbacks& callbacks) {
  EpochReport report;
  report.epoch = state_.epochs + 1;
  const std::vector<int64_t> order =
      EpochOrder(sample_count_, options_, static_cast<uint64_t>(report.epoch));
  while (state_.batches_of_epoch < batches_per_epoch() && !was_stopped_ && !HasAllSteps()) {
    STROP_ASSIGN_OR_RETURN(const StepReport step, RunStep(order));
    if (divergence_) return report;
    if (callbacks.on_step) callbacks.on_step(step);
    was_stopped_ = callbacks.should_stop && callbacks.should_stop();
  }
  report.step = state_.steps;
  report.learning_rate = LearningRate(state_.steps - 1);
  report.train_loss = state_.loss_sum_of_epoch / state_.weight_of_epoch;
  return report;
}

absl::StatusOr<StepReport> Trainer::RunStep(absl::Span<const int64_t> order) {
  const int64_t batches =
      std::min(options_.accumulation_steps, batches_per_epoch() - state_.batches_of_epoch);
  const absl::Span<const int64_t> samples =
      order.subspan(static_cast<size_t>(state_.batches_of_epoch * batch_size_),
                    static_cast<size_t>(batches * batch_size_));  // or what the epoch has left
  StepReport report;
  report.step = state_.steps + 1;
  report.epoch = state_.epochs + 1;
  report.steps_per_epoch = steps_per_epoch();
  report.sample_count = static_cast<int64_t>(samples.size());
  report.learning_rate = LearningRate(state_.steps);
  STROP_ASSIGN_OR_RETURN(const std::vector<StepBatch> parts,
                         SplitStep(samples, batch_size_, CountedLoss(), *reader_));
  absl::Span<const Tensor> batch;
  double weight = 0;
  for (const Evaluation& evaluation : EvaluationsOf(options_.graph.sharpness)) {
    STROP_RETURN_IF_ERROR(Evaluate(evaluation, parts, batch, weight, report));
    if (divergence_) return report;
  }
  if (options_.averaging.ema_decay) {
    const bool is_first = state_.steps == 0;
    STROP_RETURN_IF_ERROR(averages_->Take(is_first ? 1 : 1 - *options_.averaging.ema_decay));
  }
  state_.steps = report.step;
  state_.batches += batches;
  state_.batches_of_epoch += batches;
  state_.weight_of_epoch += weight;
  state_.loss_sum_of_epoch += report.loss * weight;
  if (weight == 0) report.loss = std::numeric_limits<double>::quiet_NaN();
  report.step_of_epoch =
      (state_.batches_of_epoch + options_.accumulation_steps - 1) / options_.accumulation_steps;
  return report;
}

// Mixed targets are probabilities, which count all the same.
const LossOptions* Trainer::CountedLoss() const {
  return options_.mix.are_default() ? &options_.graph.loss : nullptr;
}

absl::Status Trainer::Evaluate(const Evaluation& evaluation, absl::Span<const StepBatch> parts,
                               absl::Span<const Tensor>& batch, double& weight,
                               StepReport& report) {
  const AugmentationKey key = {options_.seed, static_cast<uint64_t>(state_.epochs) + 1};
  const LossOptions* counted = CountedLoss();
  for (const StepBatch& part : parts) {
    const int64_t draw = state_.batches + part.number;
    StepNumbers numbers;
    numbers.learning_rate = report.learning_rate;
    numbers.step = report.step;
    numbers.batch_share = part.share;
    numbers.keeps_gradients = &part != &parts.front();
    const bool is_last = &part == &parts.back();
    StepVariant variant = {is_last ? evaluation.of_last : evaluation.of_others,
                           PhaseOf(report.epoch)};
    if (variant.kind == StepVariant::Kind::kUpdate) {
      variant.measurement =
          MeasurementOf(options_.measurement, report.step, steps_per_epoch(),
                        sample_count_ / batch_size_ / options_.accumulation_steps);
    }
    if (!evaluation.is_repeated || parts.size() > 1) {
      STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> read,
                             reader_->ReadAugmented(part.samples, key));
      if (!evaluation.is_repeated) {
        weight += counted == nullptr ? static_cast<double>(part.samples.size())
                                     : LossWeight(*counted, read.back());
      }
      STROP_ASSIGN_OR_RETURN(batch, mixer_.Mix(read, draw));
    }
    const absl::StatusOr<absl::Span<const Tensor>> run =
        sessions_->Run(variant, draw, batch, numbers);
    if (!run.ok() && !IsAnomaly(run.status())) return run.status();
    StepOutcome outcome;
    if (run.ok()) {
      STROP_ASSIGN_OR_RETURN(outcome, ReadStep(*run, variant, report));
    }
    if (!evaluation.is_repeated) report.loss += outcome.loss * numbers.batch_share;
    if (!std::isfinite(outcome.loss)) report.loss = outcome.loss;
    const bool is_finite = std::isfinite(outcome.loss) && outcome.bad_gradient.empty() &&
                           std::isfinite(report.gradient_norm.value_or(0));
    if (!is_finite || (is_last && !evaluation.is_repeated && weight > 0 &&
                       RunsAway(report.loss, options_.divergence_factor, state_.losses))) {
      return Diverge(report, run.status(), outcome.bad_gradient, variant, draw, batch, numbers);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Trainer::StepOutcome> Trainer::ReadStep(absl::Span<const Tensor> outputs,
                                                       const StepVariant& variant,
                                                       StepReport& report) const {
  StepOutcome outcome;
  STROP_ASSIGN_OR_RETURN(const std::vector<double> loss, NumericElements(outputs[0]));
  outcome.loss = loss[0];
  size_t next = 1;
  for (const std::string& name : watched_.at({variant.kind, variant.phase})) {
    if (std::isfinite(outputs[next++].elements<double>()[0])) continue;
    // The backward pass goes from the last to the first.
    outcome.bad_gradient =
        name.empty() ? "a gradient" : absl::StrCat("the gradient of \"", name, "\"");
  }
  if (variant.kind == StepVariant::Kind::kUpdate && has_gradient_norm_) {
    report.gradient_norm = outputs[next].elements<double>()[0];
  }
  if (variant.measurement != StepMeasurement::kNone) {
    report.statistics = probes_.at(variant).Read(outputs);
  }
  return outcome;
}

double Trainer::LearningRate(int64_t step) const {
  const int64_t epoch = step / steps_per_epoch() + 1;
  const AveragingOptions& averaging = options_.averaging;
  if (!averaging.swa_start || epoch < *averaging.swa_start) {
    return schedule_->At(step, state_.plateau);
  }
  const int64_t first_step = (*averaging.swa_start - 1) * steps_per_epoch();
  return SwaLearningRate(averaging, schedule_->At(first_step, state_.plateau),
                         epoch - *averaging.swa_start);
}

absl::Status Trainer::Diverge(const StepReport& report, const absl::Status& anomaly,
                              const std::string& bad_gradient, const StepVariant& variant,
                              int64_t draw, absl::Span<const Tensor> batch,
                              const StepNumbers& numbers) {
  divergence_.emplace();
  divergence_->step = report.step;
  divergence_->epoch = report.epoch;
  divergence_->loss = report.loss;
  divergence_->learning_rate = report.learning_rate;
  absl::Status bad = anomaly;
  if (bad.ok() && !(std::isfinite(report.loss) && bad_gradient.empty())) {
    bad = sessions_->Diagnose(variant, draw, batch, numbers);
    if (!bad.ok() && !IsAnomaly(bad)) return bad;
  }
  // A bad loss leaves all weights alone, so that its numbers come again. Those of a bad gradient
  // may not, when updates ran before it was found: then the loss goes bad as it had not.
  const bool has_come_again = !bad.ok() && !(std::isfinite(report.loss) && SpoilsFirstOutput(bad));
  if (has_come_again) {
    divergence_->cause = std::string(bad.message());
    return absl::OkStatus();
  }
  if (!bad_gradient.empty()) {
    divergence_->cause = absl::StrCat(
        bad_gradient, " is not finite (--detect-anomaly names the node that makes it so)");
    return absl::OkStatus();
  }
  STROP_ASSIGN_OR_RETURN(divergence_->cause, DescribeLargest(trained_, *store_));
  return absl::OkStatus();
}

absl::Status Trainer::CheckWeights() {
  if (state_.steps == 0) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(const std::string bad, DescribeBadWeights(file_types_, *store_));
  if (!bad.empty()) EndDiverged(bad);
  return absl::OkStatus();
}

void Trainer::EndDiverged(std::string cause) {
  divergence_.emplace();
  divergence_->step = state_.steps;
  divergence_->epoch = state_.epochs + (state_.batches_of_epoch > 0 ? 1 : 0);
  divergence_->learning_rate = LearningRate(state_.steps - 1);
  divergence_->cause = std::move(cause);
}

absl::Status Trainer::Validate(EpochReport& report) {
  if (evaluator_ == nullptr || was_stopped_) return absl::OkStatus();
  if (!options_.averaging.ema_decay) return Measure(report);
  STROP_RETURN_IF_ERROR(averages_->Swap());
  const absl::Status measured = Measure(report);
  STROP_RETURN_IF_ERROR(averages_->Swap());
  return measured;
}

absl::Status Trainer::Measure(EpochReport& report) {
  const auto start = std::chrono::steady_clock::now();
  STROP_ASSIGN_OR_RETURN(EvaluationResult result, evaluator_->Evaluate());
  if (!std::isfinite(result.loss)) {
    STROP_ASSIGN_OR_RETURN(const std::string cause, evaluator_->DescribeBadLoss());
    EndDiverged(absl::StrCat("the validation loss is ", result.loss, cause));
    return absl::OkStatus();
  }
  report.validation_loss = result.loss;
  report.metrics = std::move(result.metrics);
  schedule_->Observe(result.loss, state_.plateau);
  STROP_ASSIGN_OR_RETURN(
      report.is_best, early_stopping_.See(result.loss, report.epoch, evaluated_, *store_, state_));
  STROP_ASSIGN_OR_RETURN(report.predictions, evaluator_->Predictions(report.is_best));
  report.validation_seconds = SecondsSince(start);
  return absl::OkStatus();
}

absl::Status Trainer::EndEpoch() {
  ++state_.epochs;
  state_.batches_of_epoch = 0;
  state_.weight_of_epoch = 0;
  state_.loss_sum_of_epoch = 0;
  const std::optional<int64_t>& start = options_.averaging.swa_start;
  if (!start || state_.epochs < *start) return absl::OkStatus();
  return averages_->Take(1 / static_cast<double>(state_.epochs - *start + 1));
}

absl::Status Trainer::Finish(TrainingResult& result) {
  if (!state_.best_weights.empty()) {
    result.weights = FinalWeights::kBest;
    result.weights_epoch = state_.best_epoch;
    return EarlyStopping::Restore(state_, *store_);
  }
  const std::optional<int64_t>& start = options_.averaging.swa_start;
  const bool has_ema = options_.averaging.ema_decay && state_.steps > 0;
  const bool has_swa = start && !was_stopped_ && state_.epochs >= *start;
  if (!has_ema && !has_swa) {
    result.weights_epoch = result.epochs;
    return absl::OkStatus();
  }
  result.weights = FinalWeights::kAveraged;
  if (has_ema) return averages_->Swap();
  STROP_RETURN_IF_ERROR(averages_->Swap());
  const AugmentationKey key = {options_.seed, static_cast<uint64_t>(state_.epochs) + 1};
  std::vector<int64_t> order = EpochOrder(sample_count_, options_, key.epoch);
  if (options_.drop_last) order.resize(static_cast<size_t>(batches_per_epoch() * batch_size_));
  STROP_RETURN_IF_ERROR(statistics_->Run(*reader_, order, batch_size_, key, state_.batches));
  if (evaluator_ == nullptr) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(EvaluationResult evaluation, evaluator_->Evaluate());
  result.averaged_validation_loss = evaluation.loss;
  result.averaged_metrics = std::move(evaluation.metrics);
  return absl::OkStatus();
}

}  // namespace strop
