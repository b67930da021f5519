#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/options/augmentation_options.h"
#include "plugin/options/averaging_options.h"
#include "plugin/options/data_options.h"
#include "plugin/options/group_options.h"
#include "plugin/options/lora_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/monitor_options.h"
#include "plugin/options/optimizer_options.h"
#include "plugin/options/quantize_options.h"
#include "plugin/options/run_options.h"
#include "plugin/options/schedule_options.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/run/trainer.h"

namespace strop {

// A training as typed. The commands that train, whatever for, share these options, so that all take
// the same ones.
struct TrainOptions {
  ModelOptions model;
  DataArguments data;
  MixOptions mix;
  LossArguments loss;
  OptimizerArguments optimizer;
  SharpnessOptions sharpness;
  ScheduleArguments schedule;
  GroupArguments groups;
  AveragingArguments averaging;
  int64_t accumulation_steps = 1;
  ModeArguments modes;
  LoraArguments lora;
  QuantizeArguments quantize;
  int64_t epochs = 1;
  std::optional<int64_t> steps;
  bool no_shuffle = false;
  bool drop_last = false;
  double divergence_factor = TrainingOptions().divergence_factor;
  bool detect_anomaly = false;
  std::optional<double> validation_split;
  std::string validation_data;
  int64_t early_stopping = 0;
  double min_delta = 0;
  std::string export_weights;  // best, last; empty: best with early stopping, else last
  bool no_restore_best = false;
  std::vector<std::string> metrics;
  MonitorArguments monitoring;
  RunArguments run;
  bool as_json = false;
  std::vector<std::string> dump;
  std::string output;
  bool writes_class_names = false;
  std::string config;        // the file that options were read from
  OptionSet* set = nullptr;  // knows all of them by name
};

// All options of `strop train`, the model and the output included.
void AddTrainOptions(OptionSet& set, TrainOptions& options);

// What a step depends on: model, data, loss, optimizer, what is trained.
void AddStepOptions(OptionSet& set, TrainOptions& options);
// How the rate moves, how long a run is and what it tells.
void AddRunOptions(OptionSet& set, TrainOptions& options);
void AddValidationOptions(OptionSet& set, TrainOptions& options);

// `is_validation_given`: there are validation data that no option names.
absl::StatusOr<TrainingOptions> TrainingOptionsOf(const TrainOptions& options,
                                                  const ImportedModel& model,
                                                  bool is_validation_given = false);

// Tells the set the values that options took which were not typed and whose default depends on
// others, for config.toml and for records.
void ShowResolvedDefaults(const TrainOptions& options, const TrainingOptions& training);

struct OpenedData {
  std::unique_ptr<DataSource> training;
  std::unique_ptr<DataSource> validation;  // null when there is none
};

// What is given, where it is not null, comes in the place of what the options name.
absl::StatusOr<OpenedData> OpenAll(const TrainOptions& options, const ImportedModel& model,
                                   const GivenData* training = nullptr,
                                   const GivenData* validation = nullptr);

}  // namespace strop
