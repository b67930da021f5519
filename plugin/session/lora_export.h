#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "exporter/exporter.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/options/lora_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/table/path_conflict.h"
#include "plugin/training/graph/lora.h"

namespace strop {

// How a model with adapters is written.
class LoraExport {
 public:
  virtual ~LoraExport() = default;

  // Refuses, before anything is trained, what could not be written.
  virtual absl::Status Check(const ImportedModel& model) = 0;

  // `trained` makes all that was trained by the name of the tensor, A and B included; the weights
  // that have adapters are the store's, which is let go when it is needed no more.
  virtual absl::StatusOr<ExportNotes> Write(const ImportedModel& model,
                                            std::map<std::string, TensorMaker> trained,
                                            std::shared_ptr<const StateStore> store) = 0;
};

// Gives the model the adapters that are asked for and checks that they can be written to `output`,
// by --lora-export as merged, peft or onnx_adapter. Null, and nothing done, without --lora.
absl::StatusOr<std::unique_ptr<LoraExport>> PrepareLora(const LoraArguments& arguments,
                                                        const ModeArguments& modes,
                                                        const ModelOptions& options,
                                                        const std::string& output,
                                                        ImportedModel& model);

// Tells of `paths` that -o names a folder where it does, and adds the adapter's file beside it
// where there will be one.
void AddAdapterPaths(const LoraArguments& arguments, const std::string& output,
                     std::vector<CommandPath>& paths);
// Where --lora-export onnx_adapter puts the adapter of that model.
std::string AdapterPathBeside(const std::string& model);

}  // namespace strop
