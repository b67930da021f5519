#include "plugin/training/run/finite_weights.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/finite.h"
#include "graph/status_macros.h"

namespace strop {

absl::Status CheckFiniteWeights(const ImportedModel& model) {
  for (const Parameter& parameter : model.parameters) {
    const Value& value = model.graph.value(parameter.value);
    if (value.kind != ValueKind::kState) continue;
    const std::string found = DescribeNotFinite(value.tensor, value.type.element_type);
    const bool may_be_infinite = parameter.role == Parameter::Role::kFrozen;
    if (found.empty() || (may_be_infinite && !absl::StrContains(found, "nan"))) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("weights: tensor \"", parameter.name, "\" holds ", found,
                     ", expected finite numbers; take a file of the model from before they went "
                     "bad"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> DescribeBadWeights(const std::map<std::string, DataType>& types,
                                               const StateStore& store) {
  for (const auto& [name, type] : types) {
    STROP_ASSIGN_OR_RETURN(const Tensor tensor, store.Read(name));
    const std::string found = DescribeNotFinite(tensor, type);
    if (!found.empty()) return absl::StrCat("tensor \"", name, "\" holds ", found);
  }
  return std::string();
}

}  // namespace strop
