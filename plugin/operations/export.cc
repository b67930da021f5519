#include "plugin/operations/export.h"

#include <filesystem>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/table/path_role.h"
#include "plugin/session/checkpoint_model.h"
#include "plugin/session/export_trained.h"

namespace strop {
void AddExportOptions(OptionSet& set, ExportOptions& options) {
  AddModelArgument(set, options.model);
  AddCheckpointOption(set, options.checkpoint);
  set.at("checkpoint").is_required = true;
  set.Add({RequiredOutput(options.output, "Where the model goes"),
           {.name = "lora-export",
            .target = &options.lora_export,
            .choices = {"merged", "peft", "onnx_adapter"},
            .help = "A run with adapters: merged, peft or onnx_adapter; by default as the run "
                    "says"}});
  AddWriteClassNamesOption(set, options.writes_class_names);
  AddThreadsOption(set, options.model);
}

void CompleteExportPaths(const ExportOptions& options, std::vector<CommandPath>& paths) {
  LoraArguments lora;
  if (!options.lora_export.empty()) lora.export_as = options.lora_export;
  AddAdapterPaths(lora, options.output, paths);
}

absl::StatusOr<ExportedCheckpoint> ExportCheckpoint(const ExportOptions& options) {
  STROP_ASSIGN_OR_RETURN(const OpenedCheckpoint opened, OpenCheckpoint(options.checkpoint));
  STROP_ASSIGN_OR_RETURN(
      CheckpointModel loaded,
      LoadCheckpointModel(opened, options.model, options.output, options.lora_export));
  std::vector<std::string> names;
  const bool writes_names = options.writes_class_names || opened.options.writes_class_names;
  std::error_code ignored;
  if (writes_names || std::filesystem::exists(ClassNamesFile(opened.run), ignored)) {
    DataArguments run;
    run.class_names = {opened.run};
    STROP_ASSIGN_OR_RETURN(names, KnownClassNames(run, &loaded.model));
  }
  STROP_RETURN_IF_ERROR(
      NameExportedClasses(writes_names, names, options.model.listener, loaded.model));
  const auto store = std::make_shared<StateStore>();
  for (const Value& value : loaded.model.graph.values) {
    if (value.kind == ValueKind::kState) STROP_RETURN_IF_ERROR(store->FindOrAdd(value).status());
  }
  STROP_ASSIGN_OR_RETURN(const ExportNotes notes,
                         ExportTrained(loaded.model, loaded.exported, store, loaded.lora.get(),
                                       loaded.quantized, options.output));
  options.model.listener.TellNotes(notes.lines);
  if (opened.options.averaging.swa_start) {
    options.model.listener.note(
        "the average that the run ends with is made at its end; these are the weights of this step "
        "alone");
  }
  const RunState& state = opened.checkpoint.state;
  return ExportedCheckpoint{.output = options.output,
                            .is_averaged = opened.options.averaging.ema_decay.has_value(),
                            .step = state.steps,
                            .epochs = state.epochs,
                            .is_under_way = state.batches_of_epoch != 0};
}

nlohmann::ordered_json ToJson(const ExportedCheckpoint& exported) {
  return {{"output", exported.output},
          {"weights", exported.is_averaged ? "averaged" : "trained"},
          {"step", exported.step},
          {"epochs", exported.epochs}};
}

Operation ExportOperation() {
  Operation operation(kExport);
  const auto options = std::make_shared<ExportOptions>();
  AddExportOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const ExportedCheckpoint exported, ExportCheckpoint(*options));
    return ToJson(exported);
  };
  operation.complete_paths = [options](std::vector<CommandPath>& paths) {
    CompleteExportPaths(*options, paths);
  };
  return operation;
}

}  // namespace strop
