#include "plugin/training/run/features/finite_weights.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/finite.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

class FiniteWeights : public TrainingFeature {
 public:
  explicit FiniteWeights(const RunParts& parts)
      : weights_(parts.weights), store_(*parts.store), state_(parts.state) {}

  absl::StatusOr<std::string> FindBadNumbers() override {
    if (state_.steps == 0) return std::string();
    for (const auto& [name, type] : weights_.file_types) {
      STROP_ASSIGN_OR_RETURN(const Tensor tensor, store_.Read(name));
      const std::string found = DescribeNotFinite(tensor, type);
      if (!found.empty()) return absl::StrCat("tensor \"", name, "\" holds ", found);
    }
    return std::string();
  }

 private:
  const RunWeights& weights_;
  const StateStore& store_;
  const RunState& state_;
};

}  // namespace

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

absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeFiniteWeights(const RunParts& parts) {
  return std::make_unique<FiniteWeights>(parts);
}

}  // namespace strop
