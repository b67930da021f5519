#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/data/given_data.h"
#include "plugin/monitor/record.h"
#include "plugin/options/train_arguments.h"
#include "plugin/session/kept_run.h"
#include "plugin/session/lora_export.h"
#include "plugin/session/monitored_run.h"
#include "plugin/session/prepared_model.h"
#include "plugin/training/run/trainer.h"

namespace strop {

// Who follows a run. Each may be empty. Called between steps, on the run's thread.
struct SessionCallbacks {
  // `should_stop` ends the run; a run that is kept is saved first.
  TrainingCallbacks run;
  std::function<void(const HealthFinding& finding)> on_finding;
};

// What became of a run.
struct SessionResult {
  TrainingResult training;
  // Why it ended before its time, in words for its user: numbers that went bad, data that were lost.
  // The file then has the weights of the last good epoch, if there was one.
  absl::Status end;
  // There are weights of the run: they are exported, or the given model's.
  bool has_weights = false;
  // It was stopped, nothing is exported, and it goes on from this checkpoint; empty otherwise.
  std::string checkpoint;
  // DataLoss, ResourceExhausted: the records have gaps, or the last checkpoint is not on the disk.
  absl::Status kept;
};

// What a host program has in its hands, in place of what the options name.
struct SessionInputs {
  // Gets the weights that a run ends with, and is not exported. Null: the options name its file.
  std::shared_ptr<PreparedModel> model;
  // Absent: the options say where the data lie.
  std::optional<GivenData> training;
  std::optional<GivenData> validation;
};

// A training as its options say: the model with all that is done to it, its data, the trainer, what
// is recorded and kept of the run, and the file that it ends with. Every front end trains by it.
// Not thread-safe; several may train at the same time.
class TrainingSession {
 public:
  // Called when model and data are there and before the step is built.
  using Prepared = std::function<absl::Status(
      const ImportedModel& model, const TrainingOptions& training, const DataSource& data)>;

  // Reads model and data and builds the step, so that what does not fit is refused before anything
  // runs; writes nothing. UsageError for options that exclude each other. `options` has to outlive
  // the session; `prepared` may be null.
  static absl::StatusOr<std::unique_ptr<TrainingSession>> Create(
      const TrainOptions& options, SessionInputs inputs = {}, const Prepared& prepared = nullptr);

  const ImportedModel& model() const { return prepared_->model; }
  // For who steps, evaluates or measures by hand. Gone after Run and Finish, unless the model was
  // given.
  Trainer& trainer() { return *trainer_; }
  const std::vector<std::string>& class_names() const { return class_names_; }

  // The run: from the newest checkpoint where the options say so, to the exported file, or the given
  // model's new weights. An error is one that came before the first step, or that of the export.
  absl::StatusOr<SessionResult> Run(const SessionCallbacks& callbacks = {});

  // Ends steps that were made by hand as Run ends.
  absl::StatusOr<SessionResult> Finish();

 private:
  explicit TrainingSession(const TrainOptions& options) : options_(options) {}

  bool is_kept() const { return !options_.run.directory.empty(); }
  bool can_resume() const { return kept_ != nullptr && kept_->saves_checkpoints(); }
  // Takes the given model or reads one, and checks that it can be exported.
  absl::Status Prepare(std::shared_ptr<PreparedModel> given);
  absl::Status Keep();
  absl::Status Monitor(const SessionCallbacks& callbacks);
  // Hands on the weights that the run left in its store.
  absl::Status HandOver(SessionResult& result);
  absl::Status Export(const TrainingResult& result, std::vector<std::string> exported,
                      std::shared_ptr<const StateStore> store);

  const TrainOptions& options_;
  std::shared_ptr<PreparedModel> prepared_;
  bool is_model_given_ = false;
  std::unique_ptr<LoraExport> lora_;  // null without adapters, and with a given model
  std::vector<std::string> class_names_;
  RunDescription description_;  // of a run that is kept, as its inputs
  Fingerprint inputs_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<TrainingMonitor> monitor_;
  std::unique_ptr<KeptRun> kept_;  // null without a folder; has the monitor's records written
};

}  // namespace strop
