// How a trainer is put together: the data bound to the model, the graphs of its steps over one
// store, the features.

#include <algorithm>
#include <utility>

#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"
#include "plugin/training/graph/loss_weight.h"
#include "plugin/training/run/features/finite_weights.h"
#include "plugin/training/run/features/training_features.h"
#include "plugin/training/run/trainer.h"

namespace strop {

Trainer::Trainer(const TrainingOptions& options, int64_t sample_count, PlanOptions plan)
    : options_(options), length_(options, sample_count), plan_(std::move(plan)) {
  plan_.threads = TeamSize::Of(plan_.threads);
  options_.graph.takes_probabilities = !options.mix.are_default();
  options_.graph.accumulates = options.accumulation_steps > 1;
  options_.graph.steps_per_epoch = length_.steps_per_epoch();
}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(const ImportedModel& model,
                                                         const TrainingOptions& options,
                                                         std::unique_ptr<DataSource> training,
                                                         std::unique_ptr<DataSource> validation,
                                                         PlanOptions plan) {
  STROP_RETURN_IF_ERROR(CheckTrainingOptions(options, validation != nullptr));
  STROP_RETURN_IF_ERROR(CheckFiniteWeights(model));
  STROP_RETURN_IF_ERROR(CheckUnfreezing(options.graph.unfreezing, model, options.epochs));
  // First: who has such a model need not look for a target.
  STROP_RETURN_IF_ERROR(ChooseOutput(model.graph, options.graph.loss.output).status());
  const int64_t samples = training->sample_count();
  std::unique_ptr<Trainer> trainer(new Trainer(options, samples, std::move(plan)));
  const RunLength& length = trainer->length_;
  STROP_ASSIGN_OR_RETURN(DataShapes shapes,
                         ShapesFor(*training, InputsOf(model.graph), length.batch_size()));
  STROP_ASSIGN_OR_RETURN(
      std::shared_ptr<SequencePadding> padding,
      SequencePadding::Read(*training, InputsOf(model.graph), options.padding, shapes));
  STROP_ASSIGN_OR_RETURN(
      const TrainingGraph step,
      BuildTrainingGraph(model, trainer->options_.graph, shapes, trainer->plan_));
  trainer->note_ = step.note;
  trainer->inputs_ = step.inputs;
  trainer->target_ = step.target;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> bound,
                         BindToModel(std::move(training), step.inputs, step.target));
  if (padding) STROP_RETURN_IF_ERROR(padding->TakeTarget(*bound, step.target));
  STROP_ASSIGN_OR_RETURN(BatchMixer mixer,
                         BatchMixer::Create(options.mix, options.seed, options.graph.loss.kind,
                                            step.inputs, step.target, step.step_target));
  const int64_t wanted = options.batch_size == 0 ? samples : options.batch_size;
  STROP_RETURN_IF_ERROR(CheckBatchSize(step.inputs, samples,
                                       shapes.has_fixed_batch ? wanted : length.batch_size(),
                                       options.drop_last));
  trainer->batches_ = std::make_unique<BatchSupply>(
      std::move(bound), step.target, std::move(padding), std::move(mixer), options, length);
  BatchSupply& batches = *trainer->batches_;
  STROP_RETURN_IF_ERROR(
      CheckSamplesCount(options.graph.loss, length.batch_size(), batches.data(), batches.reader()));
  if (validation != nullptr) {
    STROP_ASSIGN_OR_RETURN(trainer->evaluator_,
                           trainer->NewEvaluator(model, std::move(validation)));
  }
  STROP_ASSIGN_OR_RETURN(trainer->graphs_,
                         StepGraphs::Create(model, trainer->options_, length, shapes,
                                            trainer->store_, trainer->arena_, trainer->plan_));
  StepGraphs& graphs = *trainer->graphs_;
  trainer->weights_ = WeightsOf(model, graphs.trained(), *trainer->store_);
  trainer->runner_ =
      std::make_unique<StepRunner>(graphs, *trainer->store_, options.divergence_factor);
  STROP_ASSIGN_OR_RETURN(
      trainer->features_,
      MakeTrainingFeatures({model, trainer->plan_, trainer->options_, length, trainer->weights_,
                            trainer->store_, trainer->arena_, batches, trainer->evaluator_.get(),
                            trainer->state_}));
  return trainer;
}

}  // namespace strop
