// strop train: fine-tunes a model on data and exports it.

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/class_names.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/dry_run.h"
#include "plugin/operations/train/dump.h"
#include "plugin/cli/terminal/progress.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"
#include "plugin/options/train_arguments.h"
#include "plugin/session/lora_export.h"
#include "plugin/session/training_session.h"

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

// What the options together make of the paths that they name.
void CompletePaths(const TrainOptions& options, std::vector<CommandPath>& paths) {
  const std::string own_config = options.run.directory + "/config.toml";
  std::erase_if(paths, [&](const CommandPath& path) {
    std::error_code ignored;  // a run may read its own options, which it writes as they were
    return path.option == "--config" && std::filesystem::equivalent(path.path, own_config, ignored);
  });
  AddAdapterPaths(options.lora, options.output, paths);
}

absl::Status RunTrain(TrainOptions& options) {
  if (options.run.parent > 0) EndWithParent(options.run.parent);
  PassTimes pass_times;
  if (WantsPassTimes(options.dump)) options.model.plan.on_pass = pass_times.Recorder();
  const auto dump = [&](const ImportedModel& model, const TrainingOptions& training,
                        const DataSource& data) {
    return DumpStages(options.dump, model, training, data, options.model.plan, pass_times);
  };
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<TrainingSession> session,
                         TrainingSession::Create(options, dump));
  if (options.run.is_dry) {
    return PrintDryRun(session->model(), ResolvedOptions(*options.set), session->trainer(),
                       options.as_json);
  }
  Progress progress(
      {options.as_json, options.monitoring.log_every.value_or(0), options.epochs, options.steps});
  SessionCallbacks callbacks;
  callbacks.run.on_step = [&progress](const StepReport& report) { progress.OnStep(report); };
  callbacks.run.on_epoch = [&progress](const EpochReport& report) { progress.OnEpoch(report); };
  callbacks.run.should_stop = [] { return CaughtSignal() != 0; };
  callbacks.on_finding = [&progress](const HealthFinding& finding) {
    progress.ClearBar();
    std::fprintf(stderr, "health: %s\n", finding.message.c_str());
  };
  CatchStopSignals();
  STROP_ASSIGN_OR_RETURN(const SessionResult result, session->Run(callbacks));
  const std::string when = absl::StrCat("after step ", result.training.steps, "; \"");
  if (!result.checkpoint.empty()) {
    return StoppedBySignal(CaughtSignal(), absl::StrCat(when, result.checkpoint,
                                                        "\" holds the run; go on with --resume"));
  }
  STROP_RETURN_IF_ERROR(result.end);
  PrintEnd(result.training, options);
  SayClassNames(options, session->model(), session->class_names());
  STROP_RETURN_IF_ERROR(result.kept);
  if (!result.training.was_stopped) return absl::OkStatus();
  return StoppedBySignal(CaughtSignal(),
                         absl::StrCat(when, options.output, "\" holds the weights of that step"));
}

}  // namespace

Command TrainCommand() {
  const auto options = std::make_shared<TrainOptions>();
  options->model.listener = options->data.listener = TerminalListener();
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
