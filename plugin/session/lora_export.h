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

// Checks that the model's adapters can be written to `output`, by --lora-export as merged, peft or
// onnx_adapter.
absl::StatusOr<std::unique_ptr<LoraExport>> MakeLoraExport(const LoraArguments& arguments,
                                                           const ModeArguments& modes,
                                                           const ImportedModel& model,
                                                           std::vector<LoraAdapter> adapters,
                                                           const std::string& output);

// Puts W + scaling·B·A of each adapter in the place of its A and B. W is the store's.
void MergeAdapters(const std::vector<LoraAdapter>& adapters,
                   const std::shared_ptr<const StateStore>& store,
                   std::map<std::string, TensorMaker>& trained);

// Tells of `paths` that -o names a folder where it does, and adds the adapter's file beside it
// where there will be one.
void AddAdapterPaths(const LoraArguments& arguments, const std::string& output,
                     std::vector<CommandPath>& paths);
// Where --lora-export onnx_adapter puts the adapter of that model.
std::string AdapterPathBeside(const std::string& model);

}  // namespace strop
