#include "plugin/session/kept_run.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"
#include "plugin/options/class_name_options.h"

namespace strop {
namespace {

absl::Status WriteText(const std::string& path, const std::string& text) {
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  STROP_RETURN_IF_ERROR(file.Append(text));
  STROP_RETURN_IF_ERROR(file.Flush());
  return file.Commit();
}

// What is said when a run is to go on.
void SayWhereItBegins(const RunFolder& folder, const FoundCheckpoint& found,
                      const Listener& listener) {
  for (const std::string& line : found.damaged) {
    listener.warning(line + "; falling back to the one before");
  }
  if (!found.checkpoint) {
    listener.status(
        absl::StrCat("found no checkpoint in ", folder.path(), "; starting from the beginning"));
    return;
  }
  listener.status(
      absl::StrCat("going on from ", found.name, " after step ", found.checkpoint->state.steps));
}

// Adds what decides a step's numbers: with a schedule also how long the run is, which it spans.
void AddOptions(const std::vector<ResolvedOption>& options, Fingerprint& fingerprint) {
  bool has_schedule = false;
  for (const ResolvedOption& option : options) {
    has_schedule |= option.name == "schedule" && option.values.back() != "constant";
  }
  for (const ResolvedOption& option : options) {
    const bool is_length = option.name == "epochs" || option.name == "steps";
    if (option.option->may_change_on_resume && !(is_length && has_schedule)) continue;
    fingerprint["--" + option.name] = absl::StrJoin(option.values, ",");
  }
}

}  // namespace

absl::StatusOr<Fingerprint> FingerprintOfInputs(const ImportedModel& model, DataSource& training,
                                                DataSource* validation) {
  Fingerprint fingerprint;
  STROP_ASSIGN_OR_RETURN(fingerprint["model"], FingerprintOfModel(model));
  STROP_ASSIGN_OR_RETURN(fingerprint["data"], FingerprintOfData(training));
  if (validation == nullptr) return fingerprint;
  STROP_ASSIGN_OR_RETURN(fingerprint["validation data"], FingerprintOfData(*validation));
  return fingerprint;
}

absl::StatusOr<std::unique_ptr<KeptRun>> KeptRun::Begin(const RunArguments& arguments,
                                                        const std::vector<ResolvedOption>& options,
                                                        Fingerprint inputs, Trainer& trainer,
                                                        Listener listener) {
  Fingerprint fingerprint = std::move(inputs);
  AddOptions(options, fingerprint);
  STROP_ASSIGN_OR_RETURN(RunFolder folder, RunFolder::Open(arguments.directory));
  std::unique_ptr<KeptRun> run(new KeptRun(std::move(folder), std::move(listener)));
  std::string best_file;
  if (arguments.resume) {
    STROP_ASSIGN_OR_RETURN(FoundCheckpoint found, run->folder_.NewestCheckpoint());
    if (found.checkpoint) {
      STROP_RETURN_IF_ERROR(CheckSameFingerprint(found.checkpoint->fingerprint, fingerprint));
    }
    SayWhereItBegins(run->folder_, found, run->listener_);
    if (found.checkpoint) {
      STROP_RETURN_IF_ERROR(RestoreStore(*found.checkpoint, *trainer.store()));
      best_file = std::move(found.checkpoint->best_file);
      trainer.set_state(std::move(found.checkpoint->state));
      run->is_resumed_ = true;
    }
  } else if (!run->folder_.Checkpoints().empty()) {
    return absl::AlreadyExistsError(
        absl::StrCat("run directory \"", arguments.directory,
                     "\": found checkpoints of an earlier run, expected an empty folder; go on "
                     "with --resume, or choose another folder"));
  } else if (arguments.keep == 0 && std::filesystem::exists(run->folder_.PathOf("records.jsonl"))) {
    return absl::AlreadyExistsError(
        absl::StrCat("run directory \"", arguments.directory,
                     "\": found the records of an earlier run, expected an empty folder; choose "
                     "another one"));
  }
  const std::string config = run->folder_.PathOf("config.toml");
  if (std::filesystem::exists(config) && !IsConfigText(config)) {
    return absl::AlreadyExistsError(absl::StrCat(
        "run directory \"", arguments.directory,
        "\": found a config.toml that no run has written; move it away, or choose another folder"));
  }
  STROP_RETURN_IF_ERROR(WriteText(config, ConfigText(options)));
  if (arguments.keep == 0) return run;
  run->checkpointer_.emplace(run->folder_, trainer.state(), *trainer.store(),
                             CheckpointPolicyOf(arguments), std::move(fingerprint),
                             std::move(best_file));
  return run;
}

absl::Status KeptRun::KeepClassNames(const std::vector<std::string>& names) const {
  if (names.empty()) return absl::OkStatus();
  return WriteText(ClassNamesFile(folder_.path()), ClassNamesJson(names));
}

void KeptRun::set_before_save(std::function<void()> before_save) {
  if (checkpointer_) checkpointer_->set_before_save(std::move(before_save));
}

void KeptRun::Warn(const absl::Status& status) const {
  if (status.ok()) return;
  listener_.warning("no checkpoint was saved: " + std::string(status.message()));
}

void KeptRun::OnStep() {
  if (checkpointer_) Warn(checkpointer_->OnStep());
}

void KeptRun::OnEpoch(const EpochReport& report) {
  if (checkpointer_) Warn(checkpointer_->OnEpoch(report.is_best));
}

absl::Status KeptRun::Finish() {
  const absl::Status status = checkpointer_ ? checkpointer_->Finish() : absl::OkStatus();
  if (status.ok()) return status;
  return absl::DataLossError(
      absl::StrCat("run directory \"", folder_.path(),
                   "\": the last checkpoint was not saved: ", std::string(status.message())));
}

absl::StatusOr<std::string> KeptRun::Save() {
  STROP_ASSIGN_OR_RETURN(const std::string name, checkpointer_->Save());
  return folder_.CheckpointPath(name);
}

}  // namespace strop
