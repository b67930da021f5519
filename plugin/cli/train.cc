// strop train: fine-tunes a model on data and exports it.

#include <cstdio>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "exporter/exporter.h"
#include "graph/status_macros.h"
#include "plugin/cli/augmentation_options.h"
#include "plugin/cli/command.h"
#include "plugin/cli/data_options.h"
#include "plugin/cli/dump.h"
#include "plugin/cli/lora_export.h"
#include "plugin/cli/metric_options.h"
#include "plugin/cli/model_options.h"
#include "plugin/cli/outcome.h"
#include "plugin/cli/progress.h"
#include "plugin/cli/schedule_options.h"
#include "plugin/cli/stop_signal.h"
#include "plugin/cli/training_options.h"
#include "plugin/data/split.h"
#include "plugin/training/trainer.h"

namespace strop {
namespace {

struct TrainOptions {
  ModelOptions model;
  DataArguments data;
  MixOptions mix;
  LossArguments loss;
  OptimizerArguments optimizer;
  ScheduleArguments schedule;
  ModeArguments modes;
  LoraArguments lora;
  int64_t epochs = 1;
  std::optional<int64_t> steps;
  bool no_shuffle = false;
  bool drop_last = false;
  std::optional<double> validation_split;
  std::string validation_data;
  int64_t early_stopping = 0;
  double min_delta = 0;
  bool no_restore_best = false;
  std::vector<std::string> metrics;
  int64_t log_every = 0;
  bool as_json = false;
  std::vector<std::string> dump;
  std::string output;
};

absl::StatusOr<TrainingOptions> TrainingOptionsOf(const TrainOptions& options,
                                                  const ImportedModel& model) {
  TrainingOptions training;
  STROP_ASSIGN_OR_RETURN(training.graph.loss, LossOptionsOf(options.loss));
  STROP_ASSIGN_OR_RETURN(training.graph.optimizer, OptimizerOptionsOf(options.optimizer));
  STROP_ASSIGN_OR_RETURN(training.schedule, ScheduleOptionsOf(options.schedule));
  ApplyModes(options.modes, training.graph);
  training.graph.recompute_activations |= !options.lora.lora.patterns.empty();
  training.metrics = options.metrics;
  const bool is_classification = training.graph.loss.kind == LossKind::kCrossEntropy ||
                                 training.graph.loss.kind == LossKind::kBinaryCrossEntropy;
  const bool has_validation = options.validation_split || !options.validation_data.empty();
  if (training.metrics.empty() && is_classification && has_validation) {
    training.metrics = {"accuracy"};
  }
  training.learning_rate = options.optimizer.learning_rate;
  training.epochs = options.epochs;
  training.steps = options.steps;
  // Gradient descent proper sees all samples at every step.
  const int64_t otherwise = options.optimizer.optimizer == "gd" ? 0 : 32;
  training.batch_size = BatchSizeOf(options.data.batch_size, model, otherwise);
  training.mix = options.mix;
  if (!options.data.layout.empty()) training.mix.layout = LayoutOf(options.data.layout);
  training.shuffle = !options.no_shuffle;
  training.drop_last = options.drop_last;
  training.seed = options.model.seed;
  training.early_stopping_patience = options.early_stopping;
  training.min_delta = options.min_delta;
  training.restore_best = !options.no_restore_best;
  return training;
}

struct OpenedData {
  std::unique_ptr<DataSource> training;
  std::unique_ptr<DataSource> validation;  // null when there is none
};

absl::StatusOr<OpenedData> OpenAll(const TrainOptions& options, const ImportedModel& model) {
  OpenedData data;
  STROP_ASSIGN_OR_RETURN(data.training, OpenFor(model, options.data.location, options.data, {}));
  if (options.validation_split) {
    STROP_ASSIGN_OR_RETURN(TrainingSplit split,
                           SplitForValidation(std::move(data.training), *options.validation_split,
                                              options.model.seed));
    data.training = std::move(split.training);
    data.validation = std::move(split.validation);
  } else if (!options.validation_data.empty()) {
    const absl::Span<const std::string> names = data.training->class_names();
    STROP_ASSIGN_OR_RETURN(data.validation, OpenFor(model, options.validation_data, options.data,
                                                    {names.begin(), names.end()}));
  }
  return data;
}

absl::Status Export(const ImportedModel& model, const Trainer& trainer, LoraExport* lora,
                    const TrainOptions& options) {
  std::map<std::string, Tensor> trained;
  if (lora != nullptr || (options.epochs > 0 && options.steps.value_or(1) > 0)) {
    std::map<std::string, std::string> tensor_names;  // by the name in the graph
    for (const Parameter& parameter : model.parameters) {
      tensor_names[model.graph.value(parameter.value).name] = parameter.name;
    }
    for (const std::string& name : trainer.exported()) {
      STROP_ASSIGN_OR_RETURN(trained[tensor_names[name]], trainer.store()->Read(name));
    }
  }
  STROP_ASSIGN_OR_RETURN(const ExportNotes notes,
                         lora == nullptr
                             ? ExportModel(model, trained, options.output)
                             : lora->Write(model, std::move(trained), *trainer.store()));
  for (const std::string& line : notes.lines) std::fprintf(stderr, "note: %s\n", line.c_str());
  return absl::OkStatus();
}

void PrintEnd(const TrainingResult& result, const TrainOptions& options) {
  if (result.stopped_early && result.best_epoch) {
    const int64_t epoch = options.no_restore_best ? result.epochs : *result.best_epoch;
    std::fprintf(stderr, "stopped early; the weights are those of epoch %lld\n",
                 static_cast<long long>(epoch));
  }
  if (!options.as_json) {
    std::printf("wrote %s after %lld steps\n", options.output.c_str(),
                static_cast<long long>(result.steps));
  }
}

absl::Status RunTrain(const TrainOptions& options) {
  if (options.validation_split && !options.validation_data.empty()) {
    return UsageError("--validation-split and --validation-data exclude each other");
  }
  if (!WritesFolder(options.lora)) {
    STROP_RETURN_IF_ERROR(CheckOutputPath(
        options.output, {options.model.path, options.data.location, options.validation_data}));
  }
  STROP_ASSIGN_OR_RETURN(ImportedModel model, LoadModel(options.model));
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<LoraExport> lora,
      PrepareLora(options.lora, options.modes, options.model, options.output, model));
  if (lora == nullptr) STROP_RETURN_IF_ERROR(CheckExportPath(model, options.output));
  STROP_ASSIGN_OR_RETURN(const TrainingOptions training, TrainingOptionsOf(options, model));
  STROP_ASSIGN_OR_RETURN(OpenedData data, OpenAll(options, model));
  STROP_RETURN_IF_ERROR(DumpStages(options.dump, model, training, *data.training));
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Trainer> trainer,
      Trainer::Create(model, training, std::move(data.training), std::move(data.validation)));
  ReleaseStateTensors(model.graph);

  Progress progress({options.as_json, options.log_every, options.epochs, options.steps});
  TrainingCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) { progress.OnStep(report); };
  callbacks.on_epoch = [&](const EpochReport& report) { progress.OnEpoch(report); };
  callbacks.should_stop = [] { return CaughtSignal() != 0; };
  CatchStopSignals();
  STROP_ASSIGN_OR_RETURN(const TrainingResult result, trainer->Run(callbacks));
  STROP_RETURN_IF_ERROR(Export(model, *trainer, lora.get(), options));
  PrintEnd(result, options);
  if (!result.was_stopped) return absl::OkStatus();
  return StoppedBySignal(CaughtSignal(),
                         absl::StrCat("after step ", result.steps, "; \"", options.output,
                                      "\" holds the weights of that step"));
}

void AddRunOptions(CLI::App& app, TrainOptions& options) {
  const std::string group = "Run";
  app.add_option("--epochs", options.epochs, "Passes over the data; 0 exports without training")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  app.add_option("--steps", options.steps, "Steps after which the run ends, if before the epochs")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--log-every", options.log_every, "Steps between lines about a step")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_flag("--json", options.as_json, "JSON lines on stdout: one an epoch, and as --log-every")
      ->group(group);
  app.add_option("--dump", options.dump, "Print stages to stderr: " + DumpStageNames())
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(OneOf(AllDumpStages()))
      ->group(group);
}

void AddValidationOptions(CLI::App& app, TrainOptions& options) {
  const std::string group = "Validation";
  app.add_option("--validation-split", options.validation_split,
                 "Share of the data to validate with, chosen by the seed")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  app.add_option("--validation-data", options.validation_data, "Data to validate with")
      ->group(group);
  CLI::Option* early_stopping =
      app.add_option(
             "--early-stopping", options.early_stopping,
             "End after PATIENCE epochs without a better validation loss, with the best weights")
          ->type_name("PATIENCE")
          ->check(CLI::PositiveNumber)
          ->group(group);
  app.add_option("--min-delta", options.min_delta,
                 "early stopping: better is lower by more than this")
      ->needs(early_stopping)
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_flag("--no-restore-best", options.no_restore_best,
               "early stopping: export the last weights instead of the best")
      ->needs(early_stopping)
      ->group(group);
  AddMetricOption(app, options.metrics)->group(group);
}

}  // namespace

Command AddTrainCommand(CLI::App& program) {
  CLI::App* app = program.add_subcommand("train", "Fine-tune a model on data and export it");
  const auto options = std::make_shared<TrainOptions>();
  AddModelArgument(*app, options->model);
  app->add_option("-o,--output", options->output, "Where the trained model goes")->required();
  AddDataOptions(*app, options->data);
  AddBatchSizeOption(*app, options->data.batch_size);
  app->add_flag("--no-shuffle", options->no_shuffle, "Take the samples in their order")
      ->group("Data");
  app->add_flag("--drop-last", options->drop_last, "Leave out a last batch that is not full")
      ->group("Data");
  AddAugmentationOptions(*app, options->data.augmentation);
  AddMixOptions(*app, options->mix);
  AddRunOptions(*app, *options);
  AddLossOptions(*app, options->loss);
  AddOptimizerOptions(*app, options->optimizer);
  AddScheduleOptions(*app, options->schedule);
  AddReplaceHeadOption(*app, options->model);
  AddSelectionOptions(*app, options->model);
  AddLoraOptions(*app, options->lora);
  AddLoraExportOption(*app, options->lora);
  AddModeOptions(*app, options->modes);
  AddValidationOptions(*app, *options);
  AddPrecisionOption(*app, options->model);
  AddThreadsOption(*app, options->model);
  AddSeedOption(*app, options->model);
  app->footer(
      "Example: strop train model.onnx --data train.npz --loss cross_entropy --optimizer adamw "
      "--learning-rate 1e-3 --epochs 5 --batch-size 32 -o tuned.onnx");
  return {app, [options] { return RunTrain(*options); }};
}

}  // namespace strop
