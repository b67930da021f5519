// strop train: fine-tunes a model on data and exports it.

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "exporter/exporter.h"
#include "graph/status_macros.h"
#include "importer/class_names.h"
#include "plugin/cli/command.h"
#include "plugin/cli/run/export_trained.h"
#include "plugin/cli/run/kept_run.h"
#include "plugin/cli/run/lora_export.h"
#include "plugin/cli/run/monitored_run.h"
#include "plugin/cli/terminal/dry_run.h"
#include "plugin/cli/terminal/dump.h"
#include "plugin/cli/terminal/progress.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/unreached_note.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"
#include "plugin/options/train_arguments.h"

namespace strop {
namespace {

void PrintAveraged(const TrainingResult& result, bool as_json) {
  if (!result.averaged_validation_loss) return;
  if (as_json) {
    nlohmann::ordered_json line = {{"weights", "averaged"},
                                   {"step", result.steps},
                                   {"validation_loss", *result.averaged_validation_loss}};
    for (const auto& [name, value] : result.averaged_metrics) line[name] = value;
    std::printf("%s\n", line.dump().c_str());
    return;
  }
  std::fprintf(stderr, "averaged weights  validation loss %.6g", *result.averaged_validation_loss);
  for (const auto& [name, value] : result.averaged_metrics) {
    std::fprintf(stderr, "  %s %.4f", name.c_str(), value);
  }
  std::fprintf(stderr, "\n");
}

void PrintEnd(const TrainingResult& result, const TrainOptions& options) {
  if (result.stopped_early) std::fprintf(stderr, "stopped early\n");
  PrintAveraged(result, options.as_json);
  if (options.as_json && result.was_stopped) return;  // what is said of the end names the file, too
  // With --json, stdout is for lines of JSON.
  std::fprintf(options.as_json ? stderr : stdout, "wrote %s after %lld steps, %s\n",
               options.output.c_str(), static_cast<long long>(result.steps),
               DescribeWeights(result).c_str());
}

std::vector<std::string> ClassNamesOf(const DataSource& data) {
  return {data.class_names().begin(), data.class_names().end()};
}

// How other data are counted by the classes of this training, which the file does not name.
void SayClassNames(const TrainOptions& options, const ImportedModel& model,
                   const std::vector<std::string>& names) {
  if (names.empty() || options.writes_class_names || ClassNamesInMetadata(*model.model) == names) {
    return;
  }
  const std::string& source =
      options.run.directory.empty() ? options.data.location : options.run.directory;
  std::fprintf(stderr,
               "note: the file does not name its %zu classes; where data may lack one, give %s, or "
               "train with --write-class-names\n",
               names.size(), ClassNamesWords(names, source).c_str());
}

// Where the records of a run go on that a checkpoint brought back.
std::optional<ResumePoint> ResumePointOf(const KeptRun* kept, const Trainer& trainer) {
  if (kept == nullptr || !kept->is_resumed()) return std::nullopt;
  return ResumePoint{trainer.state().steps, trainer.state().epochs};
}

// Tells, records and keeps the run. `saved` gets the checkpoint's path when a signal ends it.
TrainingCallbacks CallbacksFor(Progress& progress, TrainingMonitor& monitor, KeptRun* kept,
                               absl::StatusOr<std::string>& saved) {
  TrainingCallbacks callbacks;
  callbacks.on_step = [&progress, &monitor, kept](const StepReport& report) {
    progress.OnStep(report);
    monitor.OnStep(report);
    if (kept != nullptr) kept->OnStep();
  };
  callbacks.on_epoch = [&progress, &monitor, kept](const EpochReport& report) {
    progress.OnEpoch(report);
    monitor.OnEpoch(report);
    if (kept != nullptr) kept->OnEpoch(report);
  };
  callbacks.should_stop = [kept, &saved] {
    if (CaughtSignal() == 0) return false;
    if (kept != nullptr && kept->saves_checkpoints()) saved = kept->Save();
    return true;
  };
  return callbacks;
}

// Whose weights a run exports that ended before its time.
std::string DescribeKept(const std::optional<int64_t>& epoch, const std::string& output) {
  return epoch ? absl::StrCat("\"", output, "\" holds the weights of epoch ", *epoch)
               : "nothing was written, as no epoch had ended before";
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

// What the options together make of the paths that they name.
void CompletePaths(const TrainOptions& options, std::vector<CommandPath>& paths) {
  const std::string own_config = options.run.directory + "/config.toml";
  std::erase_if(paths, [&](const CommandPath& path) {
    std::error_code ignored;  // a run may read its own options, which it writes as they were
    return path.option == "--config" && std::filesystem::equivalent(path.path, own_config, ignored);
  });
  AddAdapterPaths(options.lora, options.output, paths);
}

absl::Status RunTrain(const TrainOptions& options) {
  STROP_RETURN_IF_ERROR(CheckRunArguments(options.run));
  if (options.run.parent > 0) EndWithParent(options.run.parent);
  PassTimes pass_times;
  ModelOptions loading = options.model;
  if (WantsPassTimes(options.dump)) loading.plan.on_pass = pass_times.Recorder();
  loading.folds_batch_normalization = FoldsBatchNormalization(options.quantize, options.modes);
  STROP_ASSIGN_OR_RETURN(ImportedModel model, LoadModel(loading));
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<LoraExport> lora,
                         PrepareLora(options.lora, options.modes, loading, options.output, model));
  if (lora != nullptr && !options.quantize.type.empty()) {
    return UsageError("--lora and --quantize exclude each other; quantize the merged model");
  }
  if (lora == nullptr) STROP_RETURN_IF_ERROR(CheckExportPath(model, options.output));
  STROP_ASSIGN_OR_RETURN(const QuantizationSites quantized,
                         QuantizeAsTyped(options.quantize, loading.plan, model));
  STROP_ASSIGN_OR_RETURN(const TrainingOptions training, TrainingOptionsOf(options, model));
  STROP_ASSIGN_OR_RETURN(OpenedData data, OpenAll(options, model));
  const std::vector<std::string> class_names = ClassNamesOf(*data.training);
  STROP_RETURN_IF_ERROR(
      DumpStages(options.dump, model, training, *data.training, loading.plan, pass_times));
  ShowResolvedDefaults(options, training);
  const bool is_kept = !options.run.directory.empty();
  RunDescription description;
  Fingerprint inputs;
  if (is_kept) {
    STROP_ASSIGN_OR_RETURN(description,
                           DescribeRun(options, training, model.graph, *data.training));
    STROP_ASSIGN_OR_RETURN(inputs,
                           FingerprintOfInputs(model, *data.training, data.validation.get()));
  }
  // The run is that of the model as it came, whatever its file will say besides.
  STROP_RETURN_IF_ERROR(NameExportedClasses(options.writes_class_names, class_names, model));
  PlanOptions plan = options.model.plan;
  plan.detect_anomaly = options.detect_anomaly;
  STROP_ASSIGN_OR_RETURN(
      std::unique_ptr<Trainer> trainer,
      Trainer::Create(model, training, std::move(data.training), std::move(data.validation), plan));
  PrintNote(trainer->note());
  ReleaseStateTensors(model.graph);
  TellUnreached(trainer->unreached());
  if (options.run.is_dry) {
    return PrintDryRun(model, ResolvedOptions(*options.set), *trainer, options.as_json);
  }
  std::unique_ptr<KeptRun> kept;
  if (is_kept) {
    STROP_ASSIGN_OR_RETURN(kept, KeptRun::Begin(options.run, ResolvedOptions(*options.set),
                                                std::move(inputs), *trainer));
    STROP_RETURN_IF_ERROR(kept->KeepClassNames(class_names));
  }

  Progress progress(
      {options.as_json, options.monitoring.log_every.value_or(0), options.epochs, options.steps});
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<TrainingMonitor> monitor,
                         BeginMonitoring(options.monitoring, options.run.directory,
                                         ResumePointOf(kept.get(), *trainer),
                                         std::move(description), trainer->health(), progress));
  // What is resumed from a checkpoint finds the records of every step before it.
  if (is_kept) kept->set_before_save([&monitor] { monitor->Flush(); });
  absl::StatusOr<std::string> saved = "";
  CatchStopSignals();
  const absl::StatusOr<TrainingResult> run =
      trainer->Run(CallbacksFor(progress, *monitor, kept.get(), saved));
  const bool can_resume = is_kept && kept->saves_checkpoints();
  const absl::Status ended = run.ok() ? EndOf(*run, can_resume, options.output) : run.status();
  // A run that is to go on exports nothing yet.
  const bool goes_on = ended.ok() && run->was_stopped && can_resume;
  const absl::Status recorded = FinishMonitoring(*monitor, run, ended, !goes_on);
  if (!run.ok()) return run.status();
  const TrainingResult& result = *run;
  if (goes_on) {
    STROP_RETURN_IF_ERROR(saved.status());
    return StoppedBySignal(CaughtSignal(), absl::StrCat("after step ", result.steps, "; \"", *saved,
                                                        "\" holds the run; go on with --resume"));
  }
  const absl::Status saved_last = is_kept ? kept->Finish() : absl::OkStatus();
  std::vector<std::string> exported = trainer->exported();
  if (lora == nullptr && result.steps == 0) exported.clear();  // to the byte as it came
  std::shared_ptr<const StateStore> store = trainer->store();
  trainer.reset();  // the export can use its memory
  if (HasWeights(result)) {
    STROP_RETURN_IF_ERROR(
        ExportTrained(model, exported, std::move(store), lora.get(), quantized, options.output));
  }
  STROP_RETURN_IF_ERROR(ended);
  PrintEnd(result, options);
  SayClassNames(options, model, class_names);
  STROP_RETURN_IF_ERROR(recorded);
  STROP_RETURN_IF_ERROR(saved_last);
  if (!result.was_stopped) return absl::OkStatus();
  return StoppedBySignal(CaughtSignal(),
                         absl::StrCat("after step ", result.steps, "; \"", options.output,
                                      "\" holds the weights of that step"));
}

}  // namespace

Command TrainCommand() {
  const auto options = std::make_shared<TrainOptions>();
  Command command{
      .name = "train",
      .help = "Fine-tune a model on data and export it",
      .footer =
          "Example: strop train model.onnx --data train.npz --loss cross_entropy --optimizer adamw "
          "--learning-rate 1e-3 --epochs 5 --batch-size 32 -o tuned.onnx",
      .run = [options] { return RunTrain(*options); },
      .complete_paths =
          [options](std::vector<CommandPath>& paths) { CompletePaths(*options, paths); }};
  AddTrainOptions(*command.options, *options);
  return command;
}

}  // namespace strop
