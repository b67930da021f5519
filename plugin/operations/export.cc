// strop export: a checkpoint of a training as an ONNX file.

#include <cstdio>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/path_role.h"
#include "plugin/session/checkpoint_model.h"
#include "plugin/session/export_trained.h"

namespace strop {
namespace {

struct ExportOptions {
  ModelOptions model;
  std::string checkpoint;
  std::string lora_export;
  std::string output;
  bool writes_class_names = false;
};

std::string WeightsOf(const OpenedCheckpoint& opened) {
  const RunState& state = opened.checkpoint.state;
  const bool is_whole = state.batches_of_epoch == 0;
  const std::string epoch = is_whole ? absl::StrCat("epoch ", state.epochs)
                                     : absl::StrCat("epoch ", state.epochs + 1, ", under way");
  return absl::StrCat(opened.options.averaging.ema_decay ? "the averaged weights" : "the weights",
                      " of step ", state.steps, " (", epoch, ")");
}

absl::Status RunExport(const ExportOptions& options) {
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
  std::printf("wrote %s, %s\n", options.output.c_str(), WeightsOf(opened).c_str());
  return absl::OkStatus();
}

}  // namespace

Command ExportCommand() {
  const auto options = std::make_shared<ExportOptions>();
  options->model.listener = TerminalListener();
  Command command{.name = "export",
                  .help = "A checkpoint of a training as an ONNX file",
                  .footer =
                      "MODEL is the file that the run trained; the run may be going on.\n"
                      "Example: strop export model.onnx --checkpoint runs/first/best -o best.onnx",
                  .run = [options] { return RunExport(*options); },
                  .complete_paths =
                      [options](std::vector<CommandPath>& paths) {
                        LoraArguments lora;
                        if (!options->lora_export.empty()) lora.export_as = options->lora_export;
                        AddAdapterPaths(lora, options->output, paths);
                      }};
  OptionSet& set = *command.options;
  AddModelArgument(set, options->model);
  AddCheckpointOption(set, options->checkpoint);
  set.at("checkpoint").is_required = true;
  set.Add({RequiredOutput(options->output, "Where the model goes"),
           {.name = "lora-export",
            .target = &options->lora_export,
            .choices = {"merged", "peft", "onnx_adapter"},
            .help = "A run with adapters: merged, peft or onnx_adapter; by default as the run "
                    "says"}});
  AddWriteClassNamesOption(set, options->writes_class_names);
  AddThreadsOption(set, options->model);
  return command;
}

}  // namespace strop
