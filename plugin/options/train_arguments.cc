#include "plugin/options/train_arguments.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/split.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/metric_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/toml_value.h"

namespace strop {

void AddTrainOptions(OptionSet& set, TrainOptions& options) {
  set.Add({{.name = "config",
            .target = &options.config,
            .path = PathRole::kInputFile,
            .is_of_the_moment = true,
            .is_set_by_tuner = true,
            .comparison = Comparison::kNever,
            .help = "TOML file of options, by their names without dashes; what is typed wins"}});
  AddModelArgument(set, options.model);
  Option output = RequiredOutput(options.output, "Where the trained model goes");
  output.may_change_on_resume = true;
  output.is_set_by_tuner = true;
  output.comparison = Comparison::kNever;
  set.Add({std::move(output)});
  AddStepOptions(set, options);
  AddRunOptions(set, options);
  AddRunFolderOptions(set, options.run);
  AddValidationOptions(set, options);
  AddWriteClassNamesOption(set, options.writes_class_names);
  AddLoraExportOption(set, options.lora);
  AddQuantizeOptions(set, options.quantize);
}

void AddStepOptions(OptionSet& set, TrainOptions& options) {
  AddDataOptions(set, options.data);
  AddSampleWeightOption(set, options.data);
  AddClassNamesOption(set, options.data);
  AddBatchSizeOption(set, options.data.batch_size);
  AddGroupByLengthOption(set, options.data.group_by_length);
  AddPaddingOptions(set, options.data);
  set.Add(kDataGroup, {{.name = "no-shuffle",
                        .target = &options.no_shuffle,
                        .help = "Take the samples in their order"},
                       {.name = "drop-last",
                        .target = &options.drop_last,
                        .help = "Leave out a last batch that is not full"}});
  AddAugmentationOptions(set, options.data.augmentation);
  set.Add(kDataGroup,
          {{.name = "accumulation-steps",
            .aliases = {"gradient-accumulation-steps"},
            .target = &options.accumulation_steps,
            .unit = "batches",
            .range = kFromOne,
            .has_default = true,
            .help = "Batches whose gradients make one step, as if they were one large batch"}});
  AddMixOptions(set, options.mix);
  AddLossOptions(set, options.loss);
  AddOptimizerOptions(set, options.optimizer);
  AddSharpnessOptions(set, options.sharpness);
  AddGroupOptions(set, options.groups);
  AddReplaceHeadOption(set, options.model);
  AddSelectionOptions(set, options.model);
  AddLoraOptions(set, options.lora);
  AddModeOptions(set, options.modes);
  AddPrecisionOption(set, options.model);
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
  AddSeedOption(set, options.model);
}

void AddRunOptions(OptionSet& set, TrainOptions& options) {
  AddScheduleOptions(set, options.schedule);
  AddAveragingOptions(set, options.averaging);
  options.set = &set;
  AddMonitorOptions(set, options.monitoring);
  set.Add("Run",
          {{.name = "epochs",
            .target = &options.epochs,
            .unit = "epochs",
            .range = kFromZero,
            .has_default = true,
            .is_common = true,
            .may_change_on_resume = true,
            .comparison = Comparison::kAlways,
            .help = "Passes over the data; 0 exports without training"},
           {.name = "steps",
            .target = &options.steps,
            .unit = "steps",
            .range = kFromZero,
            .may_change_on_resume = true,
            .help = "Steps after which the run ends, if before the epochs"},
           {.name = "divergence-factor",
            .target = &options.divergence_factor,
            .has_default = true,
            .help = "End the run when the loss, the median of 32 steps, is so many times its best; "
                    "0: only when it is not finite"},
           {.name = "detect-anomaly",
            .target = &options.detect_anomaly,
            .help = "Look at every number of every step and name the node where the first goes "
                    "bad; slow"},
           {.name = "json",
            .target = &options.as_json,
            .may_change_on_resume = true,
            .is_set_by_tuner = true,
            .comparison = Comparison::kNever,
            .help = "JSON lines on stdout: one per epoch, and as --log-every"},
           {.name = "dump",
            .target = &options.dump,
            .choices = {"import", "differentiate", "optimize", "plan", "passes"},
            .may_change_on_resume = true,
            .is_set_by_tuner = true,
            .comparison = Comparison::kNever,
            .help = "Print stages to stderr"}});
}

void AddValidationOptions(OptionSet& set, TrainOptions& options) {
  set.Add("Validation",
          {{.name = "validation-split",
            .target = &options.validation_split,
            .range = kShare,
            .is_common = true,
            .help = "Share of the data to validate with, chosen by the seed"},
           {.name = "validation-data",
            .target = &options.validation_data,
            .path = PathRole::kData,
            .excludes = {"validation-split"},
            .is_common = true,
            .may_change_on_resume = true,
            .comparison = Comparison::kInput,
            .help = "Data to validate with"},
           {.name = "early-stopping",
            .target = &options.early_stopping,
            .value_name = "PATIENCE",
            .unit = "epochs",
            .range = kFromOne,
            .is_common = true,
            .help = "End after PATIENCE epochs without a better validation loss, with the best "
                    "weights"},
           {.name = "min-delta",
            .target = &options.min_delta,
            .range = kFromZero,
            .needs = {"early-stopping"},
            .help = "early stopping: better is lower by more than this"},
           {.name = "export",
            .target = &options.export_weights,
            .choices = {"best", "last"},
            .help = "Which weights: those of the best validation loss, or the last; by default the "
                    "best with early stopping, else the last"},
           {.name = "no-restore-best",
            .target = &options.no_restore_best,
            .needs = {"early-stopping"},
            .excludes = {"export"},
            .help = "early stopping: the same as --export last"},
           MetricOption(options.metrics)});
}

absl::StatusOr<TrainingOptions> TrainingOptionsOf(const TrainOptions& options,
                                                  const ImportedModel& model,
                                                  bool is_validation_given) {
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
  const bool has_validation =
      options.validation_split || !options.validation_data.empty() || is_validation_given;
  if (training.metrics.empty() && is_classification && has_validation) {
    training.metrics = {"accuracy"};
  }
  training.learning_rate = LearningRateOf(options.optimizer);
  training.epochs = options.epochs;
  training.steps = options.steps;
  // Gradient descent proper sees all samples at every step.
  const int64_t otherwise = options.optimizer.optimizer == "gd" ? 0 : 32;
  training.batch_size = BatchSizeOf(options.data.batch_size, model, otherwise);
  training.padding = PaddingOptionsOf(options.data);
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
  options.set->at("batch-size").default_text =
      training.batch_size == 0 ? "full" : absl::StrCat(training.batch_size);
  options.set->at("learning-rate").default_text = ShortestText(training.learning_rate);
}

absl::StatusOr<OpenedData> OpenAll(const TrainOptions& options, const ImportedModel& model,
                                   const GivenData* training, const GivenData* validation) {
  DataArguments arguments = options.data;
  const auto open = [&](const GivenData* given, const std::string& location,
                        const std::vector<std::string>& class_names) {
    return given != nullptr ? OpenGivenFor(model, *given, arguments, class_names)
                            : OpenFor(model, location, arguments, class_names);
  };
  OpenedData data;
  STROP_ASSIGN_OR_RETURN(data.training, open(training, options.data.location, {}));
  if (validation != nullptr && (options.validation_split || !options.validation_data.empty())) {
    return UsageError(
        "validation data are given, expected no --validation-split and no --validation-data");
  }
  if (options.validation_split) {
    STROP_ASSIGN_OR_RETURN(TrainingSplit split,
                           SplitForValidation(std::move(data.training), *options.validation_split,
                                              options.model.seed));
    data.training = std::move(split.training);
    data.validation = std::move(split.validation);
  } else if (validation != nullptr || !options.validation_data.empty()) {
    arguments.needs_weights = false;
    const absl::Span<const std::string> names = data.training->class_names();
    STROP_ASSIGN_OR_RETURN(data.validation,
                           open(validation, options.validation_data, {names.begin(), names.end()}));
  }
  return data;
}

}  // namespace strop
