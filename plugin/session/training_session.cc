#include "plugin/session/training_session.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "exporter/exporter.h"
#include "graph/status_macros.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/session/export_trained.h"

namespace strop {
namespace {

// Where the records of a run go on that a checkpoint brought back.
std::optional<ResumePoint> ResumePointOf(const KeptRun* kept, const Trainer& trainer) {
  if (kept == nullptr || !kept->is_resumed()) return std::nullopt;
  return ResumePoint{trainer.state().steps, trainer.state().epochs};
}

// Whose weights a run exports that ended before its time.
std::string DescribeKept(const std::optional<int64_t>& epoch, const std::string& output) {
  const bool is_file = !output.empty();
  if (!epoch) {
    return absl::StrCat(is_file ? "nothing was written" : "the model is as it was",
                        ", as no epoch had ended before");
  }
  return absl::StrCat(is_file ? absl::StrCat("\"", output, "\"") : "the model",
                      " holds the weights of epoch ", *epoch);
}

// The error that a run ends with whose numbers went bad, or whose data were lost.
absl::Status EndOf(const TrainingResult& result, bool can_resume, const std::string& output) {
  if (result.divergence) {
    return absl::FailedPreconditionError(
        absl::StrCat(result.divergence->Describe(), "; ",
                     DescribeKept(result.divergence->restored_epoch, output)));
  }
  if (!result.failure) return absl::OkStatus();
  const TrainingFailure& failure = *result.failure;
  return absl::Status(
      failure.status.code(),
      absl::StrCat(failure.status.message(), "; the run ended after step ", failure.step,
                   " (epoch ", failure.epoch, "); ", DescribeKept(failure.restored_epoch, output),
                   can_resume && failure.restored_epoch
                       ? "; go on from its last checkpoint with --resume"
                       : ""));
}

// Whether there are weights to export: those of a run that ended well, or of its last good epoch.
bool HasWeights(const TrainingResult& result) {
  if (result.divergence) return result.divergence->restored_epoch.has_value();
  return !result.failure || result.failure->restored_epoch.has_value();
}

// What the run calls: the monitor, the folder, then who follows. `saved` gets the checkpoint's path
// when the run is stopped.
TrainingCallbacks CallbacksFor(const TrainingCallbacks& followed, TrainingMonitor& monitor,
                               KeptRun* kept, absl::StatusOr<std::string>& saved) {
  TrainingCallbacks callbacks;
  callbacks.on_step = [&followed, &monitor, kept](const StepReport& report) {
    if (followed.on_step) followed.on_step(report);
    monitor.OnStep(report);
    if (kept != nullptr) kept->OnStep();
  };
  callbacks.on_epoch = [&followed, &monitor, kept](const EpochReport& report) {
    if (followed.on_epoch) followed.on_epoch(report);
    monitor.OnEpoch(report);
    if (kept != nullptr) kept->OnEpoch(report);
  };
  callbacks.should_stop = [&followed, kept, &saved] {
    if (!followed.should_stop || !followed.should_stop()) return false;
    if (kept != nullptr && kept->saves_checkpoints()) saved = kept->Save();
    return true;
  };
  return callbacks;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingSession>> TrainingSession::Create(
    const TrainOptions& options, SessionInputs inputs, const Prepared& prepared) {
  STROP_RETURN_IF_ERROR(CheckRunArguments(options.run));
  std::unique_ptr<TrainingSession> session(new TrainingSession(options));
  STROP_RETURN_IF_ERROR(session->Prepare(std::move(inputs.model)));
  ImportedModel& model = session->prepared_->model;
  STROP_ASSIGN_OR_RETURN(const TrainingOptions training,
                         TrainingOptionsOf(options, model, inputs.validation.has_value()));
  STROP_ASSIGN_OR_RETURN(OpenedData data,
                         OpenAll(options, model, inputs.training ? &*inputs.training : nullptr,
                                 inputs.validation ? &*inputs.validation : nullptr));
  const absl::Span<const std::string> names = data.training->class_names();
  session->class_names_.assign(names.begin(), names.end());
  if (prepared) STROP_RETURN_IF_ERROR(prepared(model, training, *data.training));
  ShowResolvedDefaults(options, training);
  if (session->is_kept()) {
    STROP_ASSIGN_OR_RETURN(session->description_,
                           DescribeRun(options, training, model.graph, *data.training));
    STROP_ASSIGN_OR_RETURN(session->inputs_,
                           FingerprintOfInputs(model, *data.training, data.validation.get()));
  }
  // The run is that of the model as it came, whatever its file will say besides.
  if (!session->is_model_given_) {
    STROP_RETURN_IF_ERROR(NameExportedClasses(options.writes_class_names, session->class_names_,
                                              options.model.listener, model));
  }
  PlanOptions plan = options.model.plan;
  plan.detect_anomaly = options.detect_anomaly;
  STROP_ASSIGN_OR_RETURN(session->trainer_,
                         Trainer::Create(model, training, std::move(data.training),
                                         std::move(data.validation), std::move(plan)));
  if (!session->is_model_given_) ReleaseStateTensors(model.graph);
  options.model.listener.TellNote(session->trainer_->note());
  options.model.listener.TellNotes(DescribeUnreached(session->trainer_->unreached()));
  return session;
}

absl::Status TrainingSession::Prepare(std::shared_ptr<PreparedModel> given) {
  is_model_given_ = given != nullptr;
  prepared_ = std::move(given);
  if (is_model_given_) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(PreparedModel prepared, PrepareModel(options_.model, options_.lora,
                                                              options_.quantize, options_.modes));
  prepared_ = std::make_shared<PreparedModel>(std::move(prepared));
  if (prepared_->adapters.empty()) return CheckExportPath(prepared_->model, options_.output);
  STROP_ASSIGN_OR_RETURN(lora_, MakeLoraExport(options_.lora, options_.modes, prepared_->model,
                                               prepared_->adapters, options_.output));
  return absl::OkStatus();
}

absl::Status TrainingSession::Keep() {
  STROP_ASSIGN_OR_RETURN(
      kept_, KeptRun::Begin(options_.run, ResolvedOptions(*options_.set), std::move(inputs_),
                            *trainer_, options_.model.listener));
  return kept_->KeepClassNames(class_names_);
}

absl::Status TrainingSession::Monitor(const SessionCallbacks& callbacks) {
  STROP_ASSIGN_OR_RETURN(
      monitor_, BeginMonitoring(options_.monitoring, options_.run.directory,
                                ResumePointOf(kept_.get(), *trainer_), std::move(description_),
                                trainer_->health(), options_.model.listener, callbacks.on_finding));
  // What is resumed from a checkpoint finds the records of every step before it.
  if (is_kept()) kept_->set_before_save([this] { monitor_->Flush(); });
  return absl::OkStatus();
}

absl::StatusOr<SessionResult> TrainingSession::Run(const SessionCallbacks& callbacks) {
  if (is_kept()) STROP_RETURN_IF_ERROR(Keep());
  STROP_RETURN_IF_ERROR(Monitor(callbacks));
  absl::StatusOr<std::string> saved = "";
  const absl::StatusOr<TrainingResult> run =
      trainer_->Run(CallbacksFor(callbacks.run, *monitor_, kept_.get(), saved));
  SessionResult result;
  result.end = run.ok() ? EndOf(*run, can_resume(), options_.output) : run.status();
  // A run that is to go on exports nothing yet.
  const bool goes_on = result.end.ok() && run->was_stopped && can_resume();
  result.kept = FinishMonitoring(*monitor_, run, result.end, !goes_on);
  STROP_RETURN_IF_ERROR(run.status());
  result.training = *run;
  if (goes_on) {
    STROP_ASSIGN_OR_RETURN(result.checkpoint, std::move(saved));
    if (!is_model_given_) return result;
  }
  if (is_kept() && !goes_on) result.kept.Update(kept_->Finish());
  STROP_RETURN_IF_ERROR(HandOver(result));
  return result;
}

absl::StatusOr<SessionResult> TrainingSession::Finish() {
  SessionResult result;
  STROP_ASSIGN_OR_RETURN(result.training, trainer_->Finish());
  result.end = EndOf(result.training, false, options_.output);
  STROP_RETURN_IF_ERROR(HandOver(result));
  return result;
}

absl::Status TrainingSession::HandOver(SessionResult& result) {
  result.has_weights = HasWeights(result.training);
  if (is_model_given_) {
    return result.has_weights ? TakeStates(*trainer_->store(), *prepared_) : absl::OkStatus();
  }
  std::vector<std::string> exported = trainer_->exported();
  std::shared_ptr<const StateStore> store = trainer_->store();
  trainer_.reset();  // the export can use its memory
  if (!result.has_weights) return absl::OkStatus();
  return Export(result.training, std::move(exported), std::move(store));
}

absl::Status TrainingSession::Export(const TrainingResult& result,
                                     std::vector<std::string> exported,
                                     std::shared_ptr<const StateStore> store) {
  if (lora_ == nullptr && result.steps == 0) exported.clear();  // to the byte as it came
  STROP_ASSIGN_OR_RETURN(const ExportNotes notes,
                         ExportTrained(prepared_->model, exported, std::move(store), lora_.get(),
                                       prepared_->quantized, options_.output));
  options_.model.listener.TellNotes(notes.lines);
  return absl::OkStatus();
}

}  // namespace strop
