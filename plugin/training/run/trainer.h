#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/data/batch_reader.h"
#include "plugin/data/data_source.h"
#include "plugin/training/graph/step_statistics.h"
#include "plugin/training/metrics/evaluate.h"
#include "plugin/training/optimization/averaging.h"
#include "plugin/training/optimization/batch_mixer.h"
#include "plugin/training/optimization/schedule.h"
#include "plugin/training/optimization/statistics_pass.h"
#include "plugin/training/run/divergence.h"
#include "plugin/training/run/early_stopping.h"
#include "plugin/training/run/run_report.h"
#include "plugin/training/run/run_state.h"
#include "plugin/training/run/step_batches.h"
#include "plugin/training/run/step_sessions.h"
#include "plugin/training/run/training_options.h"

namespace strop {

// Trains one model on one data set. Prints nothing. Not thread-safe.
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

  // What changes besides the store: with both, the run goes on in another trainer of the same
  // model, options and data. Callbacks see it whole.
  const RunState& state() const { return state_; }
  void set_state(RunState state) { state_ = std::move(state); }
  // For who watches the run: what it remembers is kept with the run. The trainer does not look.
  HealthState& health() { return state_.health; }

  // Parameters, running statistics and moments by name, as they are now.
  const std::shared_ptr<StateStore>& store() const { return store_; }
  // Names of the parameters that move.
  const std::vector<std::string>& trained() const { return trained_; }
  // Parameters that are to be trained and that no gradient reaches.
  const std::vector<UnreachedTensor>& unreached() const { return unreached_; }
  // Parameters and running statistics: what an export writes.
  const std::vector<std::string>& exported() const { return exported_; }
  // How the targets were read where shapes leave several readings; empty where they do not.
  const std::string& note() const { return note_; }
  int64_t steps_per_epoch() const;
  // Bytes of activations, gradients and scratchpads, of what was planned so far.
  size_t arena_bytes() const { return sessions_->arena_bytes(); }
  // Of the whole run, when nothing ends it early.
  int64_t steps_of_run() const;

 private:
  // What one session of a step has given.
  struct StepOutcome {
    double loss = std::numeric_limits<double>::quiet_NaN();
    std::string bad_gradient;  // in words, one that is not finite; empty when all are
  };

  explicit Trainer(const TrainingOptions& options) : options_(options), early_stopping_(options) {}

  // Adds the variants of the updating step that measure.
  absl::Status AddMeasuredSteps(const TrainingGraph& step, int phase);
  // Batches of an epoch.
  int64_t batches_per_epoch() const;
  int PhaseOf(int64_t epoch) const;
  bool HasAllSteps() const;
  bool IsOver() const;
  absl::Status PlanFullBatch();
  // Goes on with the epoch after state_.epochs until it is over or the run is, then validates.
  absl::Status GoOn(const TrainingCallbacks& callbacks);
  absl::StatusOr<EpochReport> RunEpoch(const TrainingCallbacks& callbacks);
  absl::StatusOr<StepReport> RunStep(absl::Span<const int64_t> order);
  // What weighs samples; null: each counts the same.
  const LossOptions* CountedLoss() const;
  // Runs the batches of a step once. `batch` is the only one where it was evaluated before;
  // `weight` grows by what counts in a loss that is evaluated for the first time.
  absl::Status Evaluate(const Evaluation& evaluation, absl::Span<const StepBatch> parts,
                        absl::Span<const Tensor>& batch, double& weight, StepReport& report);
  // Adds what one session of a step has measured to the report.
  absl::StatusOr<StepOutcome> ReadStep(absl::Span<const Tensor> outputs, const StepVariant& variant,
                                       StepReport& report) const;
  double LearningRate(int64_t step) const;
  // Ends the run at a step whose numbers are bad, for the reason that `anomaly` tells or, when it
  // is OK, that the step tells when it is run again.
  absl::Status Diverge(const StepReport& report, const absl::Status& anomaly,
                       const std::string& bad_gradient, const StepVariant& variant, int64_t draw,
                       absl::Span<const Tensor> batch, const StepNumbers& numbers);
  // Ends the run where the store holds weights that are no numbers in the model's file.
  absl::Status CheckWeights();
  void EndDiverged(std::string cause);
  // On the averaged weights where those are to be exported. Ends the run where the validation loss
  // is not finite.
  absl::Status Validate(EpochReport& report);
  absl::Status Measure(EpochReport& report);
  // What a whole epoch that is over leaves behind.
  absl::Status EndEpoch();
  // Puts the weights to export into the store.
  absl::Status Finish(TrainingResult& result);

  TrainingOptions options_;
  EarlyStopping early_stopping_;
  int64_t sample_count_ = 0;
  int64_t batch_size_ = 1;
  std::vector<int64_t> phase_starts_;
  std::unique_ptr<DataSource> data_;
  std::unique_ptr<BatchReader> reader_;
  BatchMixer mixer_;
  std::shared_ptr<StateStore> store_;
  std::unique_ptr<StepSessions> sessions_;
  std::unique_ptr<Evaluator> evaluator_;  // null without validation data
  std::string note_;
  std::vector<std::string> trained_;
  std::vector<UnreachedTensor> unreached_;
  std::vector<std::string> exported_;
  std::vector<std::string>
      evaluated_;  // and the model's other states that move: what to come back to
  std::map<std::string, DataType> file_types_;  // of evaluated_, in which an export keeps them
  bool has_gradient_norm_ = false;
  std::map<StepVariant, std::vector<std::string>>
      watched_;                              // whose gradients a step's outputs watch
  std::map<StepVariant, StepProbe> probes_;  // of the steps that measure
  std::optional<Schedule> schedule_;
  std::unique_ptr<AveragedStates> averages_;    // null without averaging
  std::unique_ptr<StatisticsPass> statistics_;  // null without stochastic weight averaging

  RunState state_;
  GoodWeights good_weights_;
  std::optional<Divergence> divergence_;
  bool was_stopped_ = false;
};

}  // namespace strop
