#include "plugin/session/checkpoint_model.h"

#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "exporter/exporter.h"
#include "graph/status_macros.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/config_file.h"
#include "plugin/options/table/path_role.h"
#include "plugin/training/optimization/averaging.h"
#include "plugin/training/run/fingerprint.h"
#include "plugin/training/run/run_folder.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

constexpr char kConfig[] = "config.toml";

bool IsRun(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kConfig, ignored);
}

absl::Status NoCheckpoint(const std::string& location, const std::string& found) {
  return absl::NotFoundError(
      absl::StrCat("checkpoint \"", location, "\": ", found,
                   "; give the folder of a strop train --run-directory, RUN/best, or a file in "
                   "RUN/checkpoints"));
}

// The newest checkpoint of a run that is whole.
absl::StatusOr<Checkpoint> NewestOf(const std::string& run, std::string& file) {
  absl::Status problem = NoCheckpoint(run, "the run has no checkpoint");
  for (const std::string& name : RunFolder::Checkpoints(run)) {
    file = RunFolder::CheckpointPath(run, name);
    absl::StatusOr<Checkpoint> checkpoint = ReadCheckpoint(file);
    if (checkpoint.ok()) return checkpoint;
    problem = checkpoint.status();
  }
  return problem;
}

absl::StatusOr<TrainOptions> OptionsOfRun(const std::string& run) {
  OptionSet set;
  TrainOptions options;
  AddTrainOptions(set, options);
  const absl::Status status = ReadConfig((fs::path(run) / kConfig).string(), set);
  options.set = nullptr;
  if (status.ok()) return options;
  return absl::InvalidArgumentError(absl::StrCat("checkpoint: the options of the run \"", run,
                                                 "\": ", std::string(status.message())));
}

// Puts the checkpoint's states into the graph's.
absl::Status TakeStates(const Checkpoint& checkpoint, bool takes_averages, Graph& graph) {
  std::map<std::string, const Tensor*> tensors;
  for (const NamedTensor& named : checkpoint.store) tensors[named.name] = &named.tensor;
  for (Value& value : graph.values) {
    if (value.kind != ValueKind::kState) continue;
    auto found = takes_averages ? tensors.find(AverageName(value.name)) : tensors.end();
    if (found == tensors.end()) found = tensors.find(value.name);
    if (found == tensors.end()) continue;  // no step reads it
    if (found->second->shape() != value.tensor.shape()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "checkpoint: state \"", value.name, "\": found shape ", ShapeName(found->second->shape()),
          ", expected ", ShapeName(value.tensor.shape()),
          " as the model has it; give the model that the run trained"));
    }
    STROP_ASSIGN_OR_RETURN(value.tensor, ConvertTensor(*found->second, value.type.element_type));
  }
  return absl::OkStatus();
}

absl::Status CheckIsModelOf(const OpenedCheckpoint& opened, const ImportedModel& model) {
  STROP_ASSIGN_OR_RETURN(const std::string found, FingerprintOfModel(model));
  const auto expected = opened.checkpoint.fingerprint.find("model");
  if (expected != opened.checkpoint.fingerprint.end() && expected->second == found) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("checkpoint \"", opened.file, "\": found the model \"", model.path,
                   "\", expected the one that the run trained, as it was before (\"",
                   opened.options.model.path, "\")"));
}

}  // namespace

void AddCheckpointOption(OptionSet& options, std::string& checkpoint) {
  options.Add({{.name = "checkpoint",
                .target = &checkpoint,
                .value_name = "RUN|RUN/best|FILE",
                .path = PathRole::kInputRun,
                .help = "Take the weights of a checkpoint of the model's training: of a run's "
                        "folder the newest; RUN/best; or a file in RUN/checkpoints"}});
}

absl::StatusOr<OpenedCheckpoint> OpenCheckpoint(const std::string& location) {
  OpenedCheckpoint opened;
  const fs::path path(location);
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    opened.run = location;
    STROP_ASSIGN_OR_RETURN(opened.checkpoint, NewestOf(opened.run, opened.file));
  } else if (path.filename() == "best" && fs::is_directory(path.parent_path(), ignored)) {
    opened.run = path.parent_path().string();
    STROP_ASSIGN_OR_RETURN(opened.checkpoint, NewestOf(opened.run, opened.file));
    const std::string best = opened.checkpoint.best_file;
    if (best.empty()) return NoCheckpoint(location, "the run validates nothing, none is the best");
    opened.file = RunFolder::CheckpointPath(opened.run, best);
    STROP_ASSIGN_OR_RETURN(opened.checkpoint, ReadCheckpoint(opened.file));
  } else if (!fs::exists(path, ignored)) {
    return NoCheckpoint(location, "no such file or folder");
  } else {
    opened.file = location;
    STROP_ASSIGN_OR_RETURN(opened.checkpoint, ReadCheckpoint(opened.file));
    opened.run = fs::absolute(path).parent_path().parent_path().string();
  }
  if (!IsRun(opened.run)) {
    return NoCheckpoint(location,
                        absl::StrCat("found no ", kConfig, " of its run in \"", opened.run, "\""));
  }
  STROP_ASSIGN_OR_RETURN(opened.options, OptionsOfRun(opened.run));
  return opened;
}

absl::StatusOr<CheckpointModel> LoadCheckpointModel(const OpenedCheckpoint& opened,
                                                    const ModelOptions& options,
                                                    const std::string& output,
                                                    const std::string& lora_export) {
  const TrainOptions& run = opened.options;
  ModelOptions loading = run.model;
  loading.path = options.path;
  loading.listener = options.listener;
  LoraArguments lora = run.lora;
  if (!lora_export.empty()) lora.export_as = lora_export;
  CheckpointModel loaded;
  STROP_ASSIGN_OR_RETURN(static_cast<PreparedModel&>(loaded),
                         PrepareModel(loading, lora, run.quantize, run.modes));
  if (!output.empty() && !loaded.adapters.empty()) {
    STROP_ASSIGN_OR_RETURN(loaded.lora,
                           MakeLoraExport(lora, run.modes, loaded.model, loaded.adapters, output));
  } else if (!output.empty()) {
    STROP_RETURN_IF_ERROR(CheckExportPath(loaded.model, output));
  }
  STROP_RETURN_IF_ERROR(CheckIsModelOf(opened, loaded.model));
  const bool takes_averages = run.averaging.ema_decay && opened.checkpoint.state.steps > 0;
  STROP_RETURN_IF_ERROR(TakeStates(opened.checkpoint, takes_averages, loaded.model.graph));
  for (const Parameter& parameter : loaded.model.parameters) {
    const Value& value = loaded.model.graph.value(parameter.value);
    if (parameter.role == Parameter::Role::kFrozen || value.kind != ValueKind::kState) continue;
    loaded.exported.push_back(value.name);
  }
  return loaded;
}

absl::StatusOr<ImportedModel> LoadModelAt(const ModelOptions& options,
                                          const std::string& checkpoint, DataArguments* data) {
  if (checkpoint.empty()) return LoadModel(options);
  STROP_ASSIGN_OR_RETURN(const OpenedCheckpoint opened, OpenCheckpoint(checkpoint));
  if (options.precision != opened.options.model.precision) {
    return UsageError(absl::StrCat("--precision ", options.precision, ": the run computed in ",
                                   opened.options.model.precision, "; give --precision ",
                                   opened.options.model.precision));
  }
  std::error_code ignored;
  if (data != nullptr && data->class_names.empty() &&
      fs::exists(ClassNamesFile(opened.run), ignored)) {
    data->class_names = {opened.run};
  }
  STROP_ASSIGN_OR_RETURN(CheckpointModel loaded, LoadCheckpointModel(opened, options));
  return std::move(loaded.model);
}

}  // namespace strop
