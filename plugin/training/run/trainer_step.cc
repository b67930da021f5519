// How a trainer makes a step: on the batches of its data, or on one of the caller's.

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"
#include "plugin/training/run/trainer.h"

namespace strop {

int64_t Trainer::batches_of_next_step() const {
  return std::min(options_.accumulation_steps,
                  length_.batches_per_epoch() - state_.batches_of_epoch);
}

absl::StatusOr<StepReport> Trainer::NextStep(absl::Span<const int64_t> order) {
  const int64_t size = length_.batch_size();
  const absl::Span<const int64_t> samples =
      order.subspan(static_cast<size_t>(state_.batches_of_epoch * size),
                    static_cast<size_t>(batches_of_next_step() * size));  // or what is left
  STROP_ASSIGN_OR_RETURN(const std::vector<StepBatch> batches, batches_->Split(samples));
  return MakeStep(batches, static_cast<int64_t>(samples.size()), [this](const StepBatch& batch) {
    return batches_->Read(batch, state_.epochs + 1, state_.batches + batch.number);
  });
}

absl::StatusOr<StepReport> Trainer::Step(absl::Span<const Tensor> batch) {
  const TeamSize team(plan_.threads);
  if (divergence_) return absl::FailedPreconditionError(divergence_->Describe());
  STROP_ASSIGN_OR_RETURN(const SuppliedBatch taken, batches_->Take(batch, state_.batches));
  if (!is_planned_) STROP_RETURN_IF_ERROR(graphs_->Prepare(taken.tensors));
  is_planned_ = true;
  const StepBatch whole[1] = {};
  STROP_ASSIGN_OR_RETURN(
      StepReport report,
      MakeStep(whole, batch[0].shape()[0],
               [&](const StepBatch&) -> absl::StatusOr<SuppliedBatch> { return taken; }));
  if (divergence_) return absl::FailedPreconditionError(divergence_->Describe());
  if (state_.batches_of_epoch == length_.batches_per_epoch()) {
    STROP_RETURN_IF_ERROR(LookForBadNumbers());
    if (divergence_) return absl::FailedPreconditionError(divergence_->Describe());
    STROP_RETURN_IF_ERROR(EndEpoch(/*is_good=*/true));
  }
  return report;
}

absl::StatusOr<std::vector<Tensor>> Trainer::BatchOf(std::unique_ptr<DataSource> source) const {
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<DataSource> bound,
                         BindToModel(std::move(source), inputs_, target_));
  std::vector<int64_t> samples(static_cast<size_t>(bound->sample_count()));
  std::iota(samples.begin(), samples.end(), int64_t{0});
  std::vector<Tensor> batch = bound->MakeBatch(bound->sample_count());
  STROP_RETURN_IF_ERROR(bound->Read(samples, absl::MakeSpan(batch)));
  return batch;
}

absl::StatusOr<StepReport> Trainer::MakeStep(absl::Span<const StepBatch> batches,
                                             int64_t sample_count,
                                             const StepRunner::BatchGiver& give) {
  StepPlace place;
  place.step = state_.steps + 1;
  place.epoch = state_.epochs + 1;
  place.first_batch = state_.batches;
  place.learning_rate = LearningRate(state_.steps);
  STROP_ASSIGN_OR_RETURN(StepResult result, runner_->Run(place, batches, give, state_.losses));
  StepReport report;
  report.step = place.step;
  report.epoch = place.epoch;
  report.steps_per_epoch = length_.steps_per_epoch();
  report.sample_count = sample_count;
  report.loss = result.weight == 0 ? std::numeric_limits<double>::quiet_NaN() : result.loss;
  report.learning_rate = place.learning_rate;
  report.gradient_norm = result.gradient_norm;
  report.statistics = std::move(result.statistics);
  if (result.divergence) {
    divergence_ = std::move(result.divergence);
    return report;
  }
  for (const auto& feature : features_) STROP_RETURN_IF_ERROR(feature->AfterUpdate());
  const int64_t read = batches_of_next_step();
  state_.steps = place.step;
  state_.batches += read;
  state_.batches_of_epoch += read;
  state_.weight_of_epoch += result.weight;
  state_.loss_sum_of_epoch += result.loss * result.weight;
  report.step_of_epoch = length_.StepOfEpoch(state_.batches_of_epoch);
  return report;
}

double Trainer::LearningRate(int64_t step) const { return LearningRate(step, features_.size()); }

double Trainer::LearningRate(int64_t step, size_t count) const {
  if (count == 0) return options_.learning_rate;
  const auto before = [this, count](int64_t other) { return LearningRate(other, count - 1); };
  return features_[count - 1]->LearningRate(step, before);
}

absl::StatusOr<EvaluationResult> Trainer::Evaluate() {
  if (evaluator_ != nullptr) return Evaluate(*evaluator_);
  return absl::FailedPreconditionError("train: there are no validation data to measure");
}

absl::StatusOr<EvaluationResult> Trainer::Evaluate(Evaluator& evaluator) {
  const TeamSize team(plan_.threads);
  for (const auto& feature : features_) STROP_RETURN_IF_ERROR(feature->BeforeValidation());
  absl::StatusOr<EvaluationResult> result = evaluator.Evaluate();
  for (const auto& feature : features_) STROP_RETURN_IF_ERROR(feature->AfterValidation());
  return result;
}

absl::StatusOr<std::unique_ptr<Evaluator>> Trainer::NewEvaluator(
    const ImportedModel& model, std::unique_ptr<DataSource> data) const {
  return Evaluator::Create(
      model,
      {options_.graph.loss, options_.metrics, length_.batch_size(), options_.padding,
       /*keeps_confusion_matrix=*/false, options_.watches_predictions},
      std::move(data), store_, plan_, arena_);
}

absl::StatusOr<TrainingResult> Trainer::Finish() {
  const TeamSize team(plan_.threads);
  return End(absl::OkStatus(), /*first_step=*/0);
}

}  // namespace strop
