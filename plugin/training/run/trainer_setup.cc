// How a trainer is put together: the graphs of its steps over one store, and the data bound to
// them.

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "graph/status_macros.h"
#include "plugin/training/graph/loss_weight.h"
#include "plugin/training/run/finite_weights.h"
#include "plugin/training/run/trainer.h"

namespace strop {

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(const ImportedModel& model,
                                                         const TrainingOptions& options,
                                                         std::unique_ptr<DataSource> training,
                                                         std::unique_ptr<DataSource> validation,
                                                         PlanOptions plan) {
  STROP_RETURN_IF_ERROR(CheckTrainingOptions(options, validation != nullptr));
  STROP_RETURN_IF_ERROR(CheckFiniteWeights(model));
  std::unique_ptr<Trainer> trainer(new Trainer(options));
  TrainingGraphOptions& graph_options = trainer->options_.graph;
  STROP_RETURN_IF_ERROR(CheckUnfreezing(graph_options.unfreezing, model, options.epochs));
  const int64_t samples = training->sample_count();
  const int64_t wanted = options.batch_size == 0 ? samples : options.batch_size;
  trainer->sample_count_ = samples;
  trainer->batch_size_ = std::max<int64_t>(std::min(wanted, samples), 1);
  graph_options.takes_probabilities = !options.mix.are_default();
  graph_options.accumulates = options.accumulation_steps > 1;
  graph_options.steps_per_epoch = trainer->steps_per_epoch();
  trainer->phase_starts_ = PhaseStarts(model, graph_options.unfreezing);
  // First: who has such a model need not look for a target.
  STROP_RETURN_IF_ERROR(ChooseOutput(model.graph, options.graph.loss.output).status());
  STROP_ASSIGN_OR_RETURN(const DataShapes shapes,
                         ShapesFor(*training, InputsOf(model.graph), trainer->batch_size_));
  const auto build = [&](const StepVariant& variant) {
    return BuildTrainingGraph(model, graph_options, shapes, plan, variant);
  };
  STROP_ASSIGN_OR_RETURN(TrainingGraph graph, build({}));
  trainer->note_ = graph.note;
  STROP_ASSIGN_OR_RETURN(trainer->data_,
                         BindToModel(std::move(training), graph.inputs, graph.target));
  STROP_ASSIGN_OR_RETURN(trainer->mixer_,
                         BatchMixer::Create(options.mix, options.seed, options.graph.loss.kind,
                                            graph.inputs, graph.target, graph.step_target));
  const int64_t checked = shapes.has_fixed_batch ? wanted : trainer->batch_size_;
  STROP_RETURN_IF_ERROR(CheckBatchSize(graph.inputs, samples, checked, options.drop_last));
  trainer->reader_ = std::make_unique<BatchReader>(*trainer->data_);
  STROP_RETURN_IF_ERROR(CheckLabelsCount(options.graph.loss, trainer->batch_size_, *trainer->data_,
                                         *trainer->reader_));
  trainer->store_ = std::make_shared<StateStore>();
  const auto arena = std::make_shared<Arena>();  // training and validation take turns
  if (validation != nullptr) {
    STROP_ASSIGN_OR_RETURN(
        trainer->evaluator_,
        Evaluator::Create(model,
                          {options.graph.loss, options.metrics, trainer->batch_size_,
                           /*keeps_confusion_matrix=*/false, options.watches_predictions},
                          std::move(validation), trainer->store_, plan, arena));
  }
  trainer->sessions_ = std::make_unique<StepSessions>(trainer->store_, arena, plan, options.seed);
  trainer->has_gradient_norm_ = graph.has_gradient_norm;
  for (int phase = 0; phase < static_cast<int>(trainer->phase_starts_.size()); ++phase) {
    for (const StepVariant::Kind kind : KindsOf(graph_options)) {
      STROP_ASSIGN_OR_RETURN(graph, build({kind, phase}));
      trainer->trained_ = graph.trained;  // the last phase moves all
      trainer->unreached_ = graph.unreached;
      trainer->watched_[{kind, phase}] = graph.health_count == graph.trained.size()
                                             ? graph.trained
                                             : std::vector<std::string>(graph.health_count);
      if (kind == StepVariant::Kind::kUpdate) {
        STROP_RETURN_IF_ERROR(trainer->AddMeasuredSteps(graph, phase));
      }
      STROP_RETURN_IF_ERROR(trainer->sessions_->Add({kind, phase}, std::move(graph)));
    }
  }
  if (options.averaging.ema_decay || options.averaging.swa_start) {
    STROP_ASSIGN_OR_RETURN(
        trainer->averages_,
        AveragedStates::Create(model.graph, trainer->trained_, trainer->store_, arena, plan));
  }
  if (options.averaging.swa_start) {
    STROP_ASSIGN_OR_RETURN(
        trainer->statistics_,
        StatisticsPass::Create(model, graph_options, trainer->store_, arena, plan, options.seed));
  }
  for (const Parameter& parameter : model.parameters) {
    const std::string& name = model.graph.value(parameter.value).name;
    if (parameter.role != Parameter::Role::kFrozen && trainer->store_->Has(name)) {
      trainer->exported_.push_back(name);
      trainer->file_types_[name] = parameter.type;
    }
  }
  trainer->evaluated_ = trainer->exported_;
  absl::flat_hash_set<std::string_view> parameters;
  for (const Parameter& parameter : model.parameters) {
    parameters.insert(model.graph.value(parameter.value).name);
  }
  for (const Value& value : model.graph.values) {  // ranges of a quantized model
    const bool is_other_state = value.kind == ValueKind::kState && !parameters.contains(value.name);
    if (is_other_state && trainer->store_->Has(value.name)) {
      trainer->evaluated_.push_back(value.name);
      trainer->file_types_[value.name] = value.type.element_type;
    }
  }
  trainer->schedule_.emplace(options.schedule, options.learning_rate, trainer->steps_of_run(),
                             trainer->steps_per_epoch());
  return trainer;
}

absl::Status Trainer::AddMeasuredSteps(const TrainingGraph& step, int phase) {
  if (options_.measurement.log.every == 0) return absl::OkStatus();
  for (const StepMeasurement measurement :
       {StepMeasurement::kStatistics, StepMeasurement::kHistograms}) {
    const StepVariant variant = {StepVariant::Kind::kUpdate, phase, measurement};
    TrainingGraph measured = step;
    STROP_ASSIGN_OR_RETURN(
        probes_[variant],
        StepProbe::Attach(measured.graph, measured.trained,
                          measurement == StepMeasurement::kHistograms, measured.stand_ins));
    STROP_RETURN_IF_ERROR(sessions_->Add(variant, std::move(measured)));
  }
  return absl::OkStatus();
}

}  // namespace strop
