#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/options/data_options.h"
#include "plugin/options/quantize_options.h"
#include "plugin/options/train_arguments.h"
#include "plugin/session/lora_export.h"
#include "plugin/session/prepared_model.h"
#include "plugin/training/run/checkpoint.h"

namespace strop {

// Adds --checkpoint RUN|RUN/best|FILE: for commands that take a model as it was in its training.
void AddCheckpointOption(OptionSet& options, std::string& checkpoint);

// A run's checkpoint, and the options of the run.
struct OpenedCheckpoint {
  std::string run;   // its folder
  std::string file;  // of the checkpoint
  TrainOptions options;
  Checkpoint checkpoint;
};

// `location`: a run's folder, which means its newest checkpoint; RUN/best, that of the best
// validation loss; or a checkpoint in its run's folder. The run may be going on. NotFound when
// there is none, DataLoss when it is damaged.
absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(const std::string& location);

// The model that the run trained, changed as the run changed it: with a new head, adapters,
// rounding. Its states are the checkpoint's, averages where the run exports averages.
struct CheckpointModel : PreparedModel {
  std::unique_ptr<LoraExport> lora;   // null without adapters, or without an output
  std::vector<std::string> exported;  // names of the states that an export writes
};

// `options` say where the model lies. With an `output` also checks that the model can be written
// there, adapters as `lora_export` says. InvalidArgument when it is not the run's model.
absl::StatusOr<CheckpointModel> LoadCheckpointModel(const OpenedCheckpoint& opened,
                                                    const ModelOptions& options,
                                                    const std::string& output = "",
                                                    const std::string& lora_export = "");

// LoadModel, or with a checkpoint the model as it was then; `data`, where not null, get the names
// of the run's classes unless some were typed.
absl::StatusOr<ImportedModel> LoadModelAt(const ModelOptions& options,
                                          const std::string& checkpoint, DataArguments* data);

}  // namespace strop
