#include "plugin/options/train_arguments.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/terminal/dump.h"
#include "plugin/data/split.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/metric_options.h"
#include "plugin/options/parser/config_file.h"
#include "plugin/options/parser/path_option.h"
#include "plugin/options/parser/toml_value.h"
#include "plugin/options/parser/whole_number.h"

namespace strop {

void AddTrainOptions(CLI::App& app, TrainOptions& options) {
  AddConfigOption(app);
  AddModelArgument(app, options.model);
  AddPathOption(app, "-o,--output", options.output, PathRole::kOutputFile,
                "Where the trained model goes")
      ->required();
  AddStepOptions(app, options);
  AddRunOptions(app, options);
  AddRunFolderOptions(app, options.run);
  AddValidationOptions(app, options);
  AddWriteClassNamesOption(app, options.writes_class_names);
  AddLoraExportOption(app, options.lora);
  AddQuantizeOptions(app, options.quantize);
}

void AddStepOptions(CLI::App& app, TrainOptions& options) {
  AddDataOptions(app, options.data);
  AddClassNamesOption(app, options.data);
  AddBatchSizeOption(app, options.data.batch_size);
  app.add_flag("--no-shuffle", options.no_shuffle, "Take the samples in their order")
      ->group("Data");
  app.add_flag("--drop-last", options.drop_last, "Leave out a last batch that is not full")
      ->group("Data");
  AddAugmentationOptions(app, options.data.augmentation);
  app.add_option("--accumulation-steps,--gradient-accumulation-steps", options.accumulation_steps,
                 "Batches whose gradients make one step, as if they were one large batch")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group("Data");
  AddMixOptions(app, options.mix);
  AddLossOptions(app, options.loss);
  AddOptimizerOptions(app, options.optimizer);
  AddSharpnessOptions(app, options.sharpness);
  AddGroupOptions(app, options.groups);
  AddReplaceHeadOption(app, options.model);
  AddSelectionOptions(app, options.model);
  AddLoraOptions(app, options.lora);
  AddModeOptions(app, options.modes);
  AddPrecisionOption(app, options.model);
  AddThreadsOption(app, options.model);
  AddDisablePassOption(app, options.model);
  AddSeedOption(app, options.model);
}

void AddRunOptions(CLI::App& app, TrainOptions& options) {
  AddScheduleOptions(app, options.schedule);
  AddAveragingOptions(app, options.averaging);
  options.app = &app;
  AddMonitorOptions(app, options.monitoring);
  const std::string group = "Run";
  app.add_option("--epochs", options.epochs, "Passes over the data; 0 exports without training")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(group);
  app.add_option("--steps", options.steps, "Steps after which the run ends, if before the epochs")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--divergence-factor", options.divergence_factor,
                 "End the run when the loss, the median of 32 steps, is so many times its best; 0: "
                 "only when it is not finite")
      ->capture_default_str()
      ->group(group);
  app.add_flag(
         "--detect-anomaly", options.detect_anomaly,
         "Look at every number of every step and name the node where the first goes bad; slow")
      ->group(group);
  app.add_flag("--json", options.as_json, "JSON lines on stdout: one per epoch, and as --log-every")
      ->group(group);
  AddListOption(app, "--dump", options.dump, "Print stages to stderr: " + DumpStageNames())
      ->check(OneOf(AllDumpStages()))
      ->group(group);
}

void AddValidationOptions(CLI::App& app, TrainOptions& options) {
  const std::string group = "Validation";
  CLI::Option* split = app.add_option("--validation-split", options.validation_split,
                                      "Share of the data to validate with, chosen by the seed");
  split->check(CLI::Range(0.0, 1.0))->group(group);
  AddPathOption(app, "--validation-data", options.validation_data, PathRole::kData,
                "Data to validate with")
      ->excludes(split)
      ->group(group);
  CLI::Option* early_stopping =
      app.add_option(
             "--early-stopping", options.early_stopping,
             "End after PATIENCE epochs without a better validation loss, with the best weights")
          ->type_name("PATIENCE")
          ->transform(WholeNumber(/*has_sign=*/true))
          ->check(CLI::PositiveNumber)
          ->group(group);
  app.add_option("--min-delta", options.min_delta,
                 "early stopping: better is lower by more than this")
      ->needs(early_stopping)
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  CLI::Option* export_weights =
      app.add_option("--export", options.export_weights,
                     "Which weights: those of the best validation loss, or the last; by default "
                     "the best with early stopping, else the last")
          ->check(OneOf({"best", "last"}))
          ->group(group);
  app.add_flag("--no-restore-best", options.no_restore_best,
               "early stopping: the same as --export last")
      ->needs(early_stopping)
      ->excludes(export_weights)
      ->group(group);
  AddMetricOption(app, options.metrics)->group(group);
}

absl::StatusOr<TrainingOptions> TrainingOptionsOf(const TrainOptions& options,
                                                  const ImportedModel& model) {
  TrainingOptions training;
  STROP_ASSIGN_OR_RETURN(training.graph.loss, LossOptionsOf(options.loss));
  STROP_ASSIGN_OR_RETURN(training.graph.optimizer, OptimizerOptionsOf(options.optimizer));
  training.graph.sharpness = options.sharpness;
  STROP_ASSIGN_OR_RETURN(training.schedule, ScheduleOptionsOf(options.schedule));
  STROP_ASSIGN_OR_RETURN(training.graph.groups,
                         GroupOptionsOf(options.groups, LearningRateOf(options.optimizer)));
  training.accumulation_steps = options.accumulation_steps;
  STROP_ASSIGN_OR_RETURN(training.averaging, AveragingOptionsOf(options.averaging));
  STROP_RETURN_IF_ERROR(ApplyModes(options.modes, training.graph));
  training.graph.recompute_activations |= !options.lora.lora.patterns.empty();
  training.metrics = options.metrics;
  const bool is_classification = training.graph.loss.kind == LossKind::kCrossEntropy ||
                                 training.graph.loss.kind == LossKind::kBinaryCrossEntropy;
  const bool has_validation = options.validation_split || !options.validation_data.empty();
  if (training.metrics.empty() && is_classification && has_validation) {
    training.metrics = {"accuracy"};
  }
  training.learning_rate = LearningRateOf(options.optimizer);
  training.epochs = options.epochs;
  training.steps = options.steps;
  // Gradient descent proper sees all samples at every step.
  const int64_t otherwise = options.optimizer.optimizer == "gd" ? 0 : 32;
  training.batch_size = BatchSizeOf(options.data.batch_size, model, otherwise);
  training.mix = options.mix;
  if (!options.data.layout.empty()) training.mix.layout = LayoutOf(options.data.layout);
  training.shuffle = !options.no_shuffle;
  training.drop_last = options.drop_last;
  training.divergence_factor = options.divergence_factor;
  training.seed = options.model.seed;
  const bool is_kept = !options.run.directory.empty();
  training.measurement = MeasurementOptionsOf(options.monitoring, is_kept);
  training.watches_predictions = is_kept && Monitors(options.monitoring, is_kept);
  training.early_stopping_patience = options.early_stopping;
  training.min_delta = options.min_delta;
  if (options.no_restore_best) training.restore_best = false;
  if (!options.export_weights.empty()) training.restore_best = options.export_weights == "best";
  return training;
}

void ShowResolvedDefaults(const TrainOptions& options, const TrainingOptions& training) {
  const std::string size = training.batch_size == 0 ? "full" : absl::StrCat(training.batch_size);
  options.app->get_option("--batch-size")->default_str(size);
  options.app->get_option("--learning-rate")->default_str(ShortestText(training.learning_rate));
}

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

}  // namespace strop
