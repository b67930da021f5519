#include "plugin/training/run/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"

namespace strop {
namespace {

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

absl::StatusOr<TrainingResult> Trainer::Run(const TrainingCallbacks& callbacks) {
  const TeamSize team(plan_.threads);
  was_stopped_ = false;
  const int64_t first_step = state_.steps;
  if (!IsOver()) STROP_RETURN_IF_ERROR(PlanFullBatch());
  for (const auto& feature : features_) STROP_RETURN_IF_ERROR(feature->BeforeRun());
  absl::Status status;
  while (status.ok() && !IsOver()) status = RunEpoch(callbacks);
  return End(status, first_step);
}

bool Trainer::HasAllSteps() const {
  return options_.steps.has_value() && state_.steps >= *options_.steps;
}

bool Trainer::IsOver() const {
  return was_stopped_ || divergence_.has_value() || state_.epochs >= options_.epochs ||
         (HasAllSteps() && state_.reported_steps == state_.steps) ||
         std::any_of(features_.begin(), features_.end(),
                     [](const auto& feature) { return feature->IsOver(); });
}

// States take the layout that the first plan prefers. A run that goes on has to plan in the order
// of one that begins, or its sums would have another order.
absl::Status Trainer::PlanFullBatch() {
  const std::vector<int64_t> samples = batches_->LargestBatch();
  STROP_ASSIGN_OR_RETURN(const SuppliedBatch batch,
                         batches_->Read({samples}, state_.epochs + 1, state_.batches));
  is_planned_ = true;
  return graphs_->Prepare(batch.tensors);
}

absl::Status Trainer::RunEpoch(const TrainingCallbacks& callbacks) {
  const auto start = std::chrono::steady_clock::now();
  STROP_ASSIGN_OR_RETURN(EpochReport report, RunSteps(callbacks));
  if (divergence_) return absl::OkStatus();
  STROP_RETURN_IF_ERROR(LookForBadNumbers());
  if (divergence_) return absl::OkStatus();
  report.is_whole = state_.batches_of_epoch == length_.batches_per_epoch() && !was_stopped_;
  const absl::Status validated = Validate(report);
  if (divergence_) return absl::OkStatus();
  if (report.is_whole) STROP_RETURN_IF_ERROR(EndEpoch(validated.ok()));
  STROP_RETURN_IF_ERROR(validated);
  if (!was_stopped_) state_.reported_steps = state_.steps;
  report.seconds = SecondsSince(start);
  if (callbacks.on_epoch) callbacks.on_epoch(report);
  if (!IsOver()) was_stopped_ = callbacks.should_stop && callbacks.should_stop();
  return absl::OkStatus();
}

absl::StatusOr<EpochReport> Trainer::RunSteps(const TrainingCallbacks& callbacks) {
  EpochReport report;
  report.epoch = state_.epochs + 1;
  const std::vector<int64_t> order = batches_->OrderOf(report.epoch);
  while (state_.batches_of_epoch < length_.batches_per_epoch() && !was_stopped_ && !HasAllSteps()) {
    STROP_ASSIGN_OR_RETURN(const StepReport step, NextStep(order));
    if (divergence_) return report;
    if (callbacks.on_step) callbacks.on_step(step);
    was_stopped_ = callbacks.should_stop && callbacks.should_stop();
  }
  report.step = state_.steps;
  report.learning_rate = LearningRate(state_.steps - 1);
  report.train_loss = state_.loss_sum_of_epoch / state_.weight_of_epoch;
  return report;
}

absl::Status Trainer::Validate(EpochReport& report) {
  if (evaluator_ == nullptr || was_stopped_) return absl::OkStatus();
  for (const auto& feature : features_) STROP_RETURN_IF_ERROR(feature->BeforeValidation());
  const absl::Status measured = Measure(report);
  for (const auto& feature : features_) STROP_RETURN_IF_ERROR(feature->AfterValidation());
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
  for (const auto& feature : features_) {
    STROP_RETURN_IF_ERROR(feature->Validated(result.loss, report));
  }
  STROP_ASSIGN_OR_RETURN(report.predictions, evaluator_->Predictions(report.is_best));
  report.validation_seconds = SecondsSince(start);
  return absl::OkStatus();
}

absl::Status Trainer::EndEpoch(bool is_good) {
  ++state_.epochs;
  state_.batches_of_epoch = 0;
  state_.weight_of_epoch = 0;
  state_.loss_sum_of_epoch = 0;
  const bool is_last = is_good && IsOver();
  for (const auto& feature : features_) STROP_RETURN_IF_ERROR(feature->AfterEpoch(is_last));
  return absl::OkStatus();
}

absl::StatusOr<TrainingResult> Trainer::End(absl::Status status, int64_t first_step) {
  TrainingResult result;
  result.was_stopped = was_stopped_;
  result.steps = state_.steps;
  result.epochs = state_.epochs + (state_.batches_of_epoch > 0 ? 1 : 0);
  if (status.ok() && !divergence_) {
    status = ChooseWeights(result);
    if (status.ok()) status = LookForBadNumbers();
  }
  if (status.ok() && !divergence_) return result;
  if (!status.ok() && state_.steps == first_step) return status;
  result.weights = FinalWeights::kNone;
  result.weights_epoch.reset();
  for (const auto& feature : features_) {
    STROP_ASSIGN_OR_RETURN(const bool is_restored, feature->RestoreWeights(result));
    if (is_restored) break;
  }
  if (!status.ok()) {
    result.failure = TrainingFailure{status, result.steps, result.epochs, result.weights_epoch};
    return result;
  }
  divergence_->restored_epoch = result.weights_epoch;
  result.divergence = divergence_;
  return result;
}

absl::Status Trainer::ChooseWeights(TrainingResult& result) {
  for (const auto& feature : features_) {
    STROP_ASSIGN_OR_RETURN(const bool is_chosen, feature->ChooseWeights(result));
    if (is_chosen) return absl::OkStatus();
  }
  result.weights_epoch = result.epochs;
  return absl::OkStatus();
}

absl::Status Trainer::LookForBadNumbers() {
  for (const auto& feature : features_) {
    STROP_ASSIGN_OR_RETURN(std::string bad, feature->FindBadNumbers());
    if (bad.empty()) continue;
    EndDiverged(std::move(bad));
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

void Trainer::EndDiverged(std::string cause) {
  divergence_.emplace();
  divergence_->step = state_.steps;
  divergence_->epoch = state_.epochs + (state_.batches_of_epoch > 0 ? 1 : 0);
  divergence_->learning_rate = LearningRate(state_.steps - 1);
  divergence_->cause = std::move(cause);
}

}  // namespace strop
