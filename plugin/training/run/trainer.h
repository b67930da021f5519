#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "importer/importer.h"
#include "plugin/data/data_source.h"
#include "plugin/training/metrics/evaluate.h"
#include "plugin/training/run/batch_supply.h"
#include "plugin/training/run/divergence.h"
#include "plugin/training/run/run_length.h"
#include "plugin/training/run/run_report.h"
#include "plugin/training/run/run_state.h"
#include "plugin/training/run/run_weights.h"
#include "plugin/training/run/step_graphs.h"
#include "plugin/training/run/step_runner.h"
#include "plugin/training/run/training_feature.h"
#include "plugin/training/run/training_options.h"

namespace strop {

// Trains one model on one data set: the run's epochs at once, or step after step as the caller has
// batches. Prints nothing. Not thread-safe; several may train in threads at the same time, each with
// the bits that it has alone, on PlanOptions::threads threads.
//
//   run      epochs, until one of the options or of the features ends it
//   epoch    steps that read the data once, then validation
//   step     one update of the parameters: StepPlace where it stands, StepReport what is told of it
//   pass     StepPass: one forward and backward over a step's batches; a step has one, or two
//   batch    StepBatch: samples that are computed at once; a step has one, or several
//   graph    StepVariant, of StepGraphs: what computes one batch in one pass, giving a BatchResult
//   feature  TrainingFeature: what a run does besides, joining it at points (training_feature.h)
//
// Who watches a run from outside, and saves it, is called by TrainingCallbacks.
class Trainer {
 public:
  // Builds the graphs and binds the data to the model, so that what does not fit is refused before
  // anything runs. `validation` may be null.
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(const ImportedModel& model,
                                                         const TrainingOptions& options,
                                                         std::unique_ptr<DataSource> training,
                                                         std::unique_ptr<DataSource> validation,
                                                         PlanOptions plan = {});

  // The run from where its state stands to its end. Numbers that go bad end it, and errors after
  // the first step, both with the weights of the last epoch that ended well in the store. Otherwise
  // the store then holds the weights to export: the last, averaged or best ones, all finite. What
  // the run would go on from is whole in callbacks only.
  absl::StatusOr<TrainingResult> Run(const TrainingCallbacks& callbacks = {});

  // The next step of the run on a batch of the caller's in place of the data's: the tensors of
  // data().fields(), [samples, …] each: inputs, the samples' weights if they have some, the target. The epoch, which ends after
  // steps_per_epoch() steps, is not validated. InvalidArgument for a batch that the data could not
  // hold; FailedPrecondition in words of Divergence when its numbers went bad, and from then on.
  absl::StatusOr<StepReport> Step(absl::Span<const Tensor> batch);

  // The samples of `source` as a batch for Step, bound to the model as the training data are.
  // Errors as of BindToModel.
  absl::StatusOr<std::vector<Tensor>> BatchOf(std::unique_ptr<DataSource> source) const;

  // Measures the validation data, or those of an evaluator over store(), with the weights that a
  // run measures: averaged ones where it keeps an exponential average. Changes nothing.
  // FailedPrecondition without validation data.
  absl::StatusOr<EvaluationResult> Evaluate();
  absl::StatusOr<EvaluationResult> Evaluate(Evaluator& evaluator);
  // One that measures other data; `model` is the one that is trained.
  absl::StatusOr<std::unique_ptr<Evaluator>> NewEvaluator(const ImportedModel& model,
                                                          std::unique_ptr<DataSource> data) const;

  // Ends steps as Run ends: with the weights to export, or those of the last good epoch, in the
  // store.
  absl::StatusOr<TrainingResult> Finish();

  // What changes besides the store: with both, the run goes on in another trainer of the same
  // model, options and data. Callbacks see it whole.
  const RunState& state() const { return state_; }
  void set_state(RunState state) { state_ = std::move(state); }
  // For who watches the run: what it remembers is kept with the run. The trainer does not look.
  HealthState& health() { return state_.health; }

  // Parameters, running statistics and moments by name, as they are now.
  const std::shared_ptr<StateStore>& store() const { return store_; }
  // The training data as the model takes them.
  const DataSource& data() const { return batches_->data(); }
  // Names of the parameters that move.
  const std::vector<std::string>& trained() const { return weights_.trained; }
  // Parameters that are to be trained and that no gradient reaches.
  const std::vector<UnreachedTensor>& unreached() const { return graphs_->unreached(); }
  // Parameters and running statistics: what an export writes.
  const std::vector<std::string>& exported() const { return weights_.exported; }
  // How the targets were read where shapes leave several readings; empty where they do not.
  const std::string& note() const { return note_; }
  int64_t steps_per_epoch() const { return length_.steps_per_epoch(); }
  // Bytes of activations, gradients and scratchpads, of what was planned so far.
  size_t arena_bytes() const { return graphs_->arena_bytes(); }
  // Of the whole run, when nothing ends it early.
  int64_t steps_of_run() const { return length_.steps_of_run(); }

 private:
  Trainer(const TrainingOptions& options, int64_t sample_count, PlanOptions plan);

  // The life of a run.
  bool IsOver() const;
  bool HasAllSteps() const;
  absl::Status PlanFullBatch();
  // Goes on with the epoch after state_.epochs until it is over or the run is, then validates.
  absl::Status RunEpoch(const TrainingCallbacks& callbacks);
  absl::StatusOr<EpochReport> RunSteps(const TrainingCallbacks& callbacks);
  // The next step of an epoch that reads the samples `order`.
  absl::StatusOr<StepReport> NextStep(absl::Span<const int64_t> order);
  absl::Status Validate(EpochReport& report);
  absl::Status Measure(EpochReport& report);
  // What a whole epoch leaves behind. `is_good`: nothing has failed.
  absl::Status EndEpoch(bool is_good);
  // The end, of a run that failed too.
  absl::StatusOr<TrainingResult> End(absl::Status status, int64_t first_step);
  // Puts the weights to export into the store.
  absl::Status ChooseWeights(TrainingResult& result);

  // One step, of whichever batches.
  int64_t batches_of_next_step() const;
  absl::StatusOr<StepReport> MakeStep(absl::Span<const StepBatch> batches, int64_t sample_count,
                                      const StepRunner::BatchGiver& give);
  double LearningRate(int64_t step) const;
  // What the first `count` features say of a step.
  double LearningRate(int64_t step, size_t count) const;

  // Ends the run where a feature finds the numbers in the store bad.
  absl::Status LookForBadNumbers();
  void EndDiverged(std::string cause);

  TrainingOptions options_;  // the graph's completed by what data and run are
  const RunLength length_;
  PlanOptions plan_;
  std::string note_;
  std::vector<InputInterface> inputs_;  // what data are bound to
  TargetInterface target_;
  std::unique_ptr<BatchSupply> batches_;
  const std::shared_ptr<StateStore> store_ = std::make_shared<StateStore>();
  const std::shared_ptr<Arena> arena_ =
      std::make_shared<Arena>();          // training and validation take turns
  std::unique_ptr<Evaluator> evaluator_;  // null without validation data
  std::unique_ptr<StepGraphs> graphs_;
  RunWeights weights_;
  std::unique_ptr<StepRunner> runner_;
  std::vector<std::unique_ptr<TrainingFeature>> features_;

  RunState state_;
  bool is_planned_ = false;
  bool was_stopped_ = false;
  std::optional<Divergence> divergence_;
};

}  // namespace strop
