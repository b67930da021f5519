#include "plugin/session/prepared_model.h"

#include "graph/status_macros.h"
#include "plugin/options/outcome.h"

namespace strop {

absl::StatusOr<PreparedModel> PrepareModel(const ModelOptions& options, const LoraArguments& lora,
                                           const QuantizeArguments& quantize,
                                           const ModeArguments& modes) {
  ModelOptions loading = options;
  loading.folds_batch_normalization = FoldsBatchNormalization(quantize, modes);
  PreparedModel prepared;
  STROP_ASSIGN_OR_RETURN(prepared.model, LoadModel(loading));
  STROP_ASSIGN_OR_RETURN(prepared.adapters, ApplyLora(lora, loading, prepared.model));
  if (!prepared.adapters.empty() && !quantize.type.empty()) {
    return UsageError("--lora and --quantize exclude each other; quantize the merged model");
  }
  STROP_ASSIGN_OR_RETURN(prepared.quantized, QuantizeAsTyped(quantize, loading, prepared.model));
  return prepared;
}

absl::Status TakeStates(const StateStore& store, PreparedModel& prepared) {
  Graph& graph = prepared.model.graph;
  ++prepared.version;
  for (Value& value : graph.values) {
    if (value.kind != ValueKind::kState || !store.Has(value.name)) continue;
    STROP_ASSIGN_OR_RETURN(value.tensor, store.Read(value.name));
  }
  for (const Parameter& parameter : prepared.model.parameters) {
    const Value& value = graph.value(parameter.value);
    if (value.kind != ValueKind::kState || parameter.role == Parameter::Role::kFrozen) continue;
    prepared.moved.insert(parameter.name);
  }
  return absl::OkStatus();
}

}  // namespace strop
