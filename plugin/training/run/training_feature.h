#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/training/metrics/evaluate.h"
#include "plugin/training/run/batch_supply.h"
#include "plugin/training/run/run_length.h"
#include "plugin/training/run/run_report.h"
#include "plugin/training/run/run_state.h"
#include "plugin/training/run/run_weights.h"
#include "plugin/training/run/training_options.h"

namespace strop {

// What a feature may be made of. Everything but `model` and `plan` outlives it.
struct RunParts {
  const ImportedModel& model;  // with the first values of its states
  const PlanOptions& plan;
  const TrainingOptions& options;
  const RunLength& length;
  const RunWeights& weights;
  const std::shared_ptr<StateStore>& store;
  const std::shared_ptr<Arena>& arena;  // of sessions that run in turn
  BatchSupply& batches;
  Evaluator* evaluator;  // of the validation data; null without
  // What a feature has to remember from step to step is a field of this, or a state in the store:
  // nothing else survives a checkpoint.
  RunState& state;
};

// Something that a training can do besides its steps, in a file of its own. It joins the run at the
// points below, each of which does nothing unless it is overridden. At every point all features are
// called in the order of their table (features/training_features.cc). What is wrong ends the run.
class TrainingFeature {
 public:
  virtual ~TrainingFeature() = default;

  // Before a step: its learning rate. Steps count from 0 over the whole run; `before` is what the
  // features earlier in the table say of any step.
  using RateOfStep = std::function<double(int64_t step)>;
  virtual double LearningRate(int64_t step, const RateOfStep& before) const { return before(step); }

  // The points in the order in which a run passes them:
  // Before the first step. Of a run that goes on, RunState and store are those of its checkpoint.
  virtual absl::Status BeforeRun() { return absl::OkStatus(); }

  // The parameters have moved; RunState does not count the step yet.
  virtual absl::Status AfterUpdate() { return absl::OkStatus(); }

  // The batches of an epoch are over, or the weights to export are in the store: what is bad about
  // them, in words, which ends the run as diverged; empty when nothing is.
  virtual absl::StatusOr<std::string> FindBadNumbers() { return std::string(); }

  // Where there are validation data, before and after they are measured. Who puts weights into the
  // store to be measured takes them out again, even if measuring failed.
  virtual absl::Status BeforeValidation() { return absl::OkStatus(); }
  virtual absl::Status AfterValidation() { return absl::OkStatus(); }
  // Between the two: the finite loss of an epoch. What was measured is still in the store.
  virtual absl::Status Validated(double loss, EpochReport& report) {
    (void)loss;
    (void)report;
    return absl::OkStatus();
  }

  // A whole epoch is over; RunState counts it. `is_last`: all that follows is the run's end.
  virtual absl::Status AfterEpoch(bool is_last) {
    (void)is_last;
    return absl::OkStatus();
  }

  // Asked between epochs.
  virtual bool IsOver() const { return false; }

  // A run has ended well: puts the weights to export into the store, and says so in the result.
  // True ends the question; where none does, the last weights stay.
  virtual absl::StatusOr<bool> ChooseWeights(TrainingResult& result) {
    (void)result;
    return false;
  }

  // A run has ended badly after its first step: as ChooseWeights, and FinalWeights::kNone where
  // none does.
  virtual absl::StatusOr<bool> RestoreWeights(TrainingResult& result) {
    (void)result;
    return false;
  }
};

}  // namespace strop
