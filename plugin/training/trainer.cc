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

absl::Status CheckOptions(const TrainingOptions& options, bool has_validation) {
  if (!(options.learning_rate >= 0) || !std::isfinite(options.learning_rate)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "train: learning rate is ", options.learning_rate, ", expected a number from 0 on"));
  }
  if (options.epochs < 0 || options.steps.value_or(0) < 0) {
    return absl::InvalidArgumentError("train: epochs and steps must be 0 or more");
  }
  if (options.batch_size < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: batch size is ", options.batch_size, ", expected at least 1"));
  }
  if (has_validation) return absl::OkStatus();
  if (options.early_stopping_patience > 0) {
    return absl::InvalidArgumentError(
        "train: early stopping watches the validation loss; add --validation-split or "
        "--validation-data");
  }
  if (options.metrics.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "train: metrics are measured on validation data; add --validation-split or "
      "--validation-data");
}

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(const ImportedModel& model,
                                                         const TrainingOptions& options,
                                                         std::unique_ptr<DataSource> training,
                                                         std::unique_ptr<DataSource> validation,
                                                         PlanOptions plan) {
  STROP_RETURN_IF_ERROR(CheckOptions(options, validation != nullptr));
  const int field = training->FindField(kTargetField);
  STROP_ASSIGN_OR_RETURN(
      TrainingGraph graph,
      BuildTrainingGraph(model, options.graph,
                         field < 0 ? nullptr : &training->fields()[static_cast<size_t>(field)]));
  std::unique_ptr<Trainer> trainer(new Trainer());
  trainer->options_ = options;
  STROP_ASSIGN_OR_RETURN(trainer->data_,
                         BindToModel(std::move(training), graph.inputs, graph.target));
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
  STROP_ASSIGN_OR_RETURN(trainer->session_,
                         Session::Create(std::move(graph.graph), trainer->store_, plan, arena));
  trainer->session_->set_seed(options.seed);
  trainer->trained_ = std::move(graph.trained);
  trainer->has_gradient_norm_ = graph.has_gradient_norm;
  for (const Parameter& parameter : model.parameters) {
    const std::string& name = model.graph.value(parameter.value).name;
    if (parameter.role != Parameter::Role::kFrozen && trainer->store_->Has(name)) {
      trainer->exported_.push_back(name);
    }
  }
  return trainer;
}

int64_t Trainer::steps_per_epoch() const {
  const int64_t samples = data_->sample_count();
  return options_.drop_last ? samples / batch_size_ : (samples + batch_size_ - 1) / batch_size_;
}

absl::StatusOr<TrainingResult> Trainer::Run(const TrainingCallbacks& callbacks) {
  const bool stops_early = options_.early_stopping_patience > 0;
  for (int64_t epoch = 1; epoch <= options_.epochs && !ends_; ++epoch) {
    if (options_.steps == progress_.steps) break;
    const auto start = std::chrono::steady_clock::now();
    progress_.epochs = epoch;
    STROP_ASSIGN_OR_RETURN(EpochReport report, RunEpoch(epoch, callbacks));
    STROP_RETURN_IF_ERROR(Validate(report));
    if (stops_early && report.is_best) STROP_RETURN_IF_ERROR(RememberBest(epoch));
    report.seconds = SecondsSince(start);
    if (callbacks.on_epoch) callbacks.on_epoch(report);
    if (stops_early &&
        epoch - progress_.best_epoch.value_or(0) >= options_.early_stopping_patience) {
      progress_.stopped_early = true;
      break;
    }
  }
  if (progress_.best_epoch.has_value()) STROP_RETURN_IF_ERROR(RestoreBest());
  return progress_;
}

absl::StatusOr<EpochReport> Trainer::RunEpoch(int64_t epoch, const TrainingCallbacks& callbacks) {
  const int64_t samples = data_->sample_count();
  std::vector<int64_t> order;
  if (options_.shuffle) {
    order = ShuffledOrder(samples, options_.seed, static_cast<uint64_t>(epoch));
  } else {
    order.resize(static_cast<size_t>(samples));
    std::iota(order.begin(), order.end(), int64_t{0});
  }
  EpochReport report;
  report.epoch = epoch;
  report.learning_rate = options_.learning_rate;
  double loss_sum = 0;
  int64_t seen = 0;
  for (int64_t i = 0; i < steps_per_epoch() && !ends_; ++i) {
    const int64_t begin = i * batch_size_;
    const int64_t count = std::min(batch_size_, samples - begin);
    STROP_ASSIGN_OR_RETURN(StepReport step,
                           RunStep(absl::MakeConstSpan(order).subspan(static_cast<size_t>(begin),
                                                                      static_cast<size_t>(count)),
                                   epoch));
    step.step_of_epoch = i + 1;
    loss_sum += step.loss * static_cast<double>(count);
    seen += count;
    if (callbacks.on_step) callbacks.on_step(step);
    progress_.was_stopped = callbacks.should_stop && callbacks.should_stop();
    ends_ = progress_.was_stopped || options_.steps == progress_.steps;
  }
  report.step = progress_.steps;
  report.train_loss = loss_sum / static_cast<double>(seen);
  return report;
}

absl::StatusOr<StepReport> Trainer::RunStep(absl::Span<const int64_t> indices, int64_t epoch) {
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> batch, reader_->Read(indices));
  std::vector<Tensor> inputs(batch.begin(), batch.end());
  const int64_t step = progress_.steps + 1;
  inputs.push_back(Tensor::Scalar<double>(options_.learning_rate));
  inputs.push_back(Tensor::Scalar<int64_t>(step));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, session_->Run(inputs));
  progress_.steps = step;
  STROP_ASSIGN_OR_RETURN(const std::vector<double> loss, NumericElements(outputs[0]));
  if (!std::isfinite(loss[0])) {
    return absl::FailedPreconditionError(absl::StrCat(
        "train: the loss is ", loss[0], " at step ", step, " (epoch ", epoch,
        "), expected a finite number; lower the learning rate (", options_.learning_rate,
        " now), clip the gradients, or look for extreme values in the data"));
  }
  StepReport report;
  report.step = step;
  report.epoch = epoch;
  report.steps_per_epoch = steps_per_epoch();
  report.sample_count = static_cast<int64_t>(indices.size());
  report.loss = loss[0];
  report.learning_rate = options_.learning_rate;
  if (has_gradient_norm_) report.gradient_norm = outputs[1].elements<double>()[0];
  return report;
}

absl::Status Trainer::Validate(EpochReport& report) {
  if (evaluator_ == nullptr || progress_.was_stopped) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(EvaluationResult result, evaluator_->Evaluate());
  report.validation_loss = result.loss;
  report.metrics = std::move(result.metrics);
  const double bound = best_loss_.has_value() ? *best_loss_ - options_.min_delta
                                              : std::numeric_limits<double>::infinity();
  report.is_best = result.loss < bound;
  if (report.is_best) best_loss_ = result.loss;
  return absl::OkStatus();
}

absl::Status Trainer::RememberBest(int64_t epoch) {
  progress_.best_epoch = epoch;
  for (const std::string& name : exported_) {
    STROP_ASSIGN_OR_RETURN(best_[name], store_->Read(name));
  }
  return absl::OkStatus();
}

absl::Status Trainer::RestoreBest() {
  for (const auto& [name, tensor] : best_) STROP_RETURN_IF_ERROR(store_->Write(name, tensor));
  return absl::OkStatus();
}

}  // namespace strop
