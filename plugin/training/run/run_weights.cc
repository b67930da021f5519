#include "plugin/training/run/run_weights.h"

#include <utility>

#include "absl/container/flat_hash_set.h"

namespace strop {

RunWeights WeightsOf(const ImportedModel& model, std::vector<std::string> trained,
                     const StateStore& store) {
  RunWeights weights;
  weights.trained = std::move(trained);
  absl::flat_hash_set<std::string_view> parameters;
  for (const Parameter& parameter : model.parameters) {
    const std::string& name = model.graph.value(parameter.value).name;
    parameters.insert(name);
    if (parameter.role == Parameter::Role::kFrozen || !store.Has(name)) continue;
    weights.exported.push_back(name);
    weights.file_types[name] = parameter.type;
  }
  weights.restored = weights.exported;
  for (const Value& value : model.graph.values) {  // ranges of a quantized model
    const bool is_other_state = value.kind == ValueKind::kState && !parameters.contains(value.name);
    if (!is_other_state || !store.Has(value.name)) continue;
    weights.restored.push_back(value.name);
    weights.file_types[value.name] = value.type.element_type;
  }
  return weights;
}

}  // namespace strop
