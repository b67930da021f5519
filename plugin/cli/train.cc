// strop train: fine-tunes a model on data and exports it.

#include "plugin/operations/train/train.h"

#include <cstdio>
#include <memory>
#include <optional>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/dry_run.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/progress.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/operations/train/dump.h"
#include "plugin/operations/train/run_lines.h"

namespace strop {
namespace {

void PrintStage(const std::string& stage, const std::string& text) {
  std::fprintf(stderr, "---- %s\n%s", stage.c_str(), text.c_str());
}

void PrintAveraged(const TrainingResult& result, bool as_json) {
  if (!result.averaged_validation_loss) return;
  if (as_json) {
    PrintJsonLine(AveragedJson(result));
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

absl::Status RunTrain(TrainOptions& options) {
  if (options.run.parent > 0) EndWithParent(options.run.parent);
  PassTimes pass_times;
  if (WantsPassTimes(options.dump)) options.model.plan.on_pass = pass_times.Recorder();
  const auto dump = [&](const ImportedModel& model, const TrainingOptions& training,
                        const DataSource& data) {
    return DumpStages(options.dump, model, training, data, options.model.plan, pass_times,
                      PrintStage);
  };
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<TrainingSession> session,
                         TrainingSession::Create(options, {}, dump));
  if (options.run.is_dry) {
    STROP_ASSIGN_OR_RETURN(
        const DryRun dry,
        MeasureDryRun(session->model(), ResolvedOptions(*options.set), session->trainer()));
    PrintDryRun(dry, options.as_json);
    return absl::OkStatus();
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
  const absl::Status stop = StopOf(result, options.output);
  if (!result.checkpoint.empty()) return stop;
  STROP_RETURN_IF_ERROR(result.end);
  PrintEnd(result.training, options);
  options.model.listener.TellNote(
      ClassNamesNote(options, session->model(), session->class_names()));
  STROP_RETURN_IF_ERROR(result.kept);
  return stop;
}

}  // namespace

Command TrainCommand() {
  const auto options = std::make_shared<TrainOptions>();
  options->model.listener = options->data.listener = TerminalListener();
  Command command{
      .name = kTrain.name,
      .help = kTrain.help,
      .footer =
          "Example: strop train model.onnx --data train.npz --loss cross_entropy --optimizer adamw "
          "--learning-rate 1e-3 --epochs 5 --batch-size 32 -o tuned.onnx",
      .run = [options] { return RunTrain(*options); },
      .complete_paths =
          [options](std::vector<CommandPath>& paths) { CompleteTrainPaths(*options, paths); }};
  AddTrainOptions(*command.options, *options);
  return command;
}

}  // namespace strop
