#include "plugin/session/export_trained.h"

#include <map>
#include <utility>

#include "exporter/exporter.h"
#include "graph/status_macros.h"

namespace strop {

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
  ExportNotes notes;
  if (lora != nullptr) {
    STROP_ASSIGN_OR_RETURN(notes, lora->Write(model, std::move(trained), std::move(store)));
  } else if (!quantized.weights.empty()) {
    STROP_ASSIGN_OR_RETURN(const ModelQuantization quantization,
                           TrainedQuantization(quantized, *store));
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, make] : trained) {
      STROP_ASSIGN_OR_RETURN(tensors[name], make());
    }
    STROP_ASSIGN_OR_RETURN(notes, ExportQuantizedModel(model, tensors, quantization, output));
  } else {
    STROP_ASSIGN_OR_RETURN(notes, ExportModelInTurn(model, trained, output));
  }
  return notes;
}

}  // namespace strop
