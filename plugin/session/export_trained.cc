#include "plugin/session/export_trained.h"

#include <utility>

#include "exporter/exporter.h"
#include "exporter/quantized_export.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

absl::StatusOr<std::map<std::string, Tensor>> Made(
    const std::map<std::string, TensorMaker>& makers) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, make] : makers) {
    STROP_ASSIGN_OR_RETURN(tensors[name], make());
  }
  return tensors;
}

}  // namespace

absl::StatusOr<ExportNotes> ExportTrained(const ImportedModel& model,
                                          const std::vector<std::string>& exported,
                                          std::shared_ptr<const StateStore> store, LoraExport* lora,
                                          const QuantizationSites& quantized,
                                          const std::string& output) {
  std::map<std::string, std::string> tensor_names;  // by the name in the graph
  for (const Parameter& parameter : model.parameters) {
    tensor_names[model.graph.value(parameter.value).name] = parameter.name;
  }
  std::map<std::string, TensorMaker> trained;
  for (const std::string& name : exported) {
    trained[tensor_names[name]] = [states = store.get(), name] { return states->Read(name); };
  }
  return ExportTrained(model, std::move(trained), std::move(store), lora, quantized, output);
}

absl::StatusOr<ExportNotes> ExportTrained(const ImportedModel& model,
                                          std::map<std::string, TensorMaker> trained,
                                          std::shared_ptr<const StateStore> store, LoraExport* lora,
                                          const QuantizationSites& quantized,
                                          const std::string& output) {
  if (lora != nullptr) return lora->Write(model, std::move(trained), std::move(store));
  if (quantized.weights.empty()) return ExportModelInTurn(model, trained, output);
  STROP_ASSIGN_OR_RETURN(const ModelQuantization quantization,
                         TrainedQuantization(quantized, *store));
  STROP_ASSIGN_OR_RETURN(const auto tensors, Made(trained));
  return ExportQuantizedModel(model, tensors, quantization, output);
}

absl::StatusOr<std::string> SerializeTrained(const PreparedModel& prepared,
                                             std::map<std::string, TensorMaker> trained,
                                             std::shared_ptr<const StateStore> store) {
  if (!prepared.quantized.weights.empty()) {
    STROP_ASSIGN_OR_RETURN(const ModelQuantization quantization,
                           TrainedQuantization(prepared.quantized, *store));
    STROP_ASSIGN_OR_RETURN(const auto tensors, Made(trained));
    return SerializeQuantizedModel(prepared.model, tensors, quantization);
  }
  if (!prepared.adapters.empty()) MergeAdapters(prepared.adapters, store, trained);
  return SerializeModelInTurn(prepared.model, trained);
}

}  // namespace strop
