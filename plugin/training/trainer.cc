#include "plugin/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/training/shuffle.h"

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

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(const ImportedModel& model,
                                                         const TrainingOptions& options,
                                                         std::unique_ptr<DataSource> training,
                                                         std::unique_ptr<DataSource> validation,
                                                         PlanOptions plan) {
  STROP_RETURN_IF_ERROR(CheckTrainingOptions(options, validation != nullptr));
  const int field = training->FindField(kTargetField);
  TrainingGraphOptions graph_options = options.graph;
  graph_options.takes_probabilities = !options.mix.are_default();
  STROP_ASSIGN_OR_RETURN(
      TrainingGraph graph,
      BuildTrainingGraph(model, graph_options,
                         field < 0 ? nullptr : &training->fields()[static_cast<size_t>(field)]));
  std::unique_ptr<Trainer> trainer(new Trainer(options));
  STROP_ASSIGN_OR_RETURN(trainer->data_,
                         BindToModel(std::move(training), graph.inputs, graph.target));
  STROP_ASSIGN_OR_RETURN(trainer->mixer_,
                         BatchMixer::Create(options.mix, options.seed, options.graph.loss.kind,
                                            graph.inputs, graph.target, graph.step_target));
  const int64_t samples = trainer->data_->sample_count();
  const int64_t wanted = options.batch_size == 0 ? samples : options.batch_size;
  trainer->batch_size_ = std::min(wanted, samples);
  STROP_RETURN_IF_ERROR(
      CheckBatchSize(graph.inputs, samples, trainer->batch_size_, options.drop_last));
  trainer->reader_ = std::make_unique<BatchReader>(*trainer->data_);
  trainer->store_ = std::make_shared<StateStore>();
  const auto arena = std::make_shared<Arena>();  // training and validation take turns
  if (validation != nullptr) {
    STROP_ASSIGN_OR_RETURN(
        trainer->evaluator_,
        Evaluator::Create(model, {options.graph.loss, options.metrics, trainer->batch_size_},
                          std::move(validation), trainer->store_, plan, arena));
  }
  trainer->sessions_ = std::make_unique<StepSessions>(trainer->store_, arena, plan, options.seed);
  trainer->trained_ = std::move(graph.trained);
  STROP_RETURN_IF_ERROR(trainer->AddMeasuredSteps(graph.graph));
  STROP_RETURN_IF_ERROR(
      trainer->sessions_->Add({StepVariant::Kind::kUpdate}, std::move(graph.graph)));
  trainer->has_gradient_norm_ = graph.has_gradient_norm;
  for (const Parameter& parameter : model.parameters) {
    const std::string& name = model.graph.value(parameter.value).name;
    if (parameter.role != Parameter::Role::kFrozen && trainer->store_->Has(name)) {
      trainer->exported_.push_back(name);
    }
  }
  trainer->schedule_.emplace(options.schedule, options.learning_rate, trainer->steps_of_run(),
                             trainer->steps_per_epoch());
  return trainer;
}

absl::Status Trainer::AddMeasuredSteps(const Graph& step) {
  if (options_.measurement.log_every == 0) return absl::OkStatus();
  for (const StepMeasurement measurement :
       {StepMeasurement::kStatistics, StepMeasurement::kHistograms}) {
    Graph measured = step;
    STROP_ASSIGN_OR_RETURN(
        probes_[measurement],
        StepProbe::Attach(measured, trained_, measurement == StepMeasurement::kHistograms));
    STROP_RETURN_IF_ERROR(
        sessions_->Add({StepVariant::Kind::kUpdate, measurement}, std::move(measured)));
  }
  return absl::OkStatus();
}

int64_t Trainer::batches_per_epoch() const {
  const int64_t samples = data_->sample_count();
  return options_.drop_last ? samples / batch_size_ : (samples + batch_size_ - 1) / batch_size_;
}

int64_t Trainer::steps_per_epoch() const { return batches_per_epoch(); }

int64_t Trainer::steps_of_run() const {
  const int64_t most = options_.steps.value_or(std::numeric_limits<int64_t>::max());
  const bool is_over_most = options_.epochs > most / steps_per_epoch();
  return is_over_most ? most : std::min(most, options_.epochs * steps_per_epoch());
}

bool Trainer::IsOver() const {
  return was_stopped_ || state_.epochs >= options_.epochs || options_.steps == state_.steps ||
         early_stopping_.IsOver(state_);
}

absl::StatusOr<TrainingResult> Trainer::Run(const TrainingCallbacks& callbacks) {
  was_stopped_ = false;
  while (!IsOver()) {
    const auto start = std::chrono::steady_clock::now();
    STROP_ASSIGN_OR_RETURN(EpochReport report, RunEpoch(callbacks));
    STROP_RETURN_IF_ERROR(Validate(report));
    if (state_.batches_of_epoch == batches_per_epoch() && !was_stopped_) {
      ++state_.epochs;
      state_.batches_of_epoch = 0;
      state_.samples_of_epoch = 0;
      state_.loss_sum_of_epoch = 0;
    }
    report.seconds = SecondsSince(start);
    if (callbacks.on_epoch) callbacks.on_epoch(report);
  }
  TrainingResult result;
  result.steps = state_.steps;
  result.epochs = state_.epochs + (state_.batches_of_epoch > 0 ? 1 : 0);
  result.was_stopped = was_stopped_;
  if (options_.early_stopping_patience == 0) return result;
  result.best_epoch = state_.best_epoch;
  result.stopped_early = !was_stopped_ && early_stopping_.IsOver(state_);
  STROP_RETURN_IF_ERROR(EarlyStopping::Restore(state_, *store_));
  return result;
}

absl::StatusOr<EpochReport> Trainer::RunEpoch(const TrainingCallbacks& callbacks) {
  EpochReport report;
  report.epoch = state_.epochs + 1;
  const std::vector<int64_t> order =
      EpochOrder(data_->sample_count(), options_, static_cast<uint64_t>(report.epoch));
  while (state_.batches_of_epoch < batches_per_epoch() && !was_stopped_ &&
         options_.steps != state_.steps) {
    STROP_ASSIGN_OR_RETURN(const StepReport step, RunStep(order));
    if (callbacks.on_step) callbacks.on_step(step);
    was_stopped_ = callbacks.should_stop && callbacks.should_stop();
  }
  report.step = state_.steps;
  report.learning_rate = schedule_->At(state_.steps - 1, state_.plateau);
  report.train_loss = state_.loss_sum_of_epoch / static_cast<double>(state_.samples_of_epoch);
  return report;
}

absl::StatusOr<StepReport> Trainer::RunStep(absl::Span<const int64_t> order) {
  const auto begin = static_cast<size_t>(state_.batches_of_epoch * batch_size_);
  const absl::Span<const int64_t> indices =
      order.subspan(begin, static_cast<size_t>(batch_size_));  // the last one may be shorter
  const AugmentationKey key = {options_.seed, static_cast<uint64_t>(state_.epochs) + 1};
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> samples,
                         reader_->ReadAugmented(indices, key));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> batch, mixer_.Mix(samples, state_.batches));
  std::vector<Tensor> inputs(batch.begin(), batch.end());
  StepReport report;
  report.step = state_.steps + 1;
  report.epoch = state_.epochs + 1;
  report.steps_per_epoch = steps_per_epoch();
  report.sample_count = static_cast<int64_t>(indices.size());
  report.learning_rate = schedule_->At(state_.steps, state_.plateau);
  inputs.push_back(Tensor::Scalar<double>(report.learning_rate));
  inputs.push_back(Tensor::Scalar<int64_t>(report.step));
  const StepMeasurement measurement = MeasurementOf(
      options_.measurement, report.step, steps_per_epoch(), data_->sample_count() / batch_size_);
  STROP_ASSIGN_OR_RETURN(
      const absl::Span<const Tensor> outputs,
      sessions_->Run({StepVariant::Kind::kUpdate, measurement}, state_.batches, inputs));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> loss, NumericElements(outputs[0]));
  report.loss = loss[0];
  if (has_gradient_norm_) report.gradient_norm = outputs[1].elements<double>()[0];
  if (measurement != StepMeasurement::kNone) {
    report.statistics = probes_[measurement].Read(outputs);
  }
  if (!std::isfinite(report.loss)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "train: the loss is ", report.loss, " at step ", report.step, " (epoch ", report.epoch,
        "), expected a finite number; lower the learning rate (", report.learning_rate,
        " now), clip the gradients, or look for extreme values in the data"));
  }
  state_.steps = report.step;
  ++state_.batches;
  ++state_.batches_of_epoch;
  state_.samples_of_epoch += report.sample_count;
  state_.loss_sum_of_epoch += report.loss * static_cast<double>(report.sample_count);
  report.step_of_epoch = state_.batches_of_epoch;
  return report;
}

absl::Status Trainer::Validate(EpochReport& report) {
  if (evaluator_ == nullptr || was_stopped_) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(EvaluationResult result, evaluator_->Evaluate());
  report.validation_loss = result.loss;
  report.metrics = std::move(result.metrics);
  schedule_->Observe(result.loss, state_.plateau);
  STROP_ASSIGN_OR_RETURN(
      report.is_best, early_stopping_.See(result.loss, report.epoch, exported_, *store_, state_));
  return absl::OkStatus();
}

}  // namespace strop
