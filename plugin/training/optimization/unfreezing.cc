#include "plugin/training/optimization/unfreezing.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "importer/glob.h"
#include "ops/core/registry.h"

namespace strop {

absl::Status CheckUnfreezing(const std::vector<Unfreezing>& unfreezings, const ImportedModel& model,
                             int64_t epochs) {
  for (const Unfreezing& unfreezing : unfreezings) {
    if (unfreezing.epoch < 1 || (epochs > 0 && unfreezing.epoch > epochs)) {
      return absl::InvalidArgumentError(
          absl::StrCat("train: unfreeze \"", unfreezing.pattern, "\" in epoch ", unfreezing.epoch,
                       ", but the run's are 1 to ", epochs, "; use --freeze for a whole run"));
    }
    const auto matches = [&](const Parameter& parameter) {
      return parameter.role == Parameter::Role::kTrained &&
             MatchesGlob(unfreezing.pattern, model.graph.value(parameter.value).name);
    };
    if (std::any_of(model.parameters.begin(), model.parameters.end(), matches)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("train: unfreeze \"", unfreezing.pattern,
                     "\" matches no trained tensor; `strop inspect` lists them"));
  }
  return absl::OkStatus();
}

int64_t FirstEpochOf(const std::string& name, const std::vector<Unfreezing>& unfreezings) {
  int64_t first = 0;
  for (const Unfreezing& unfreezing : unfreezings) {
    if (!MatchesGlob(unfreezing.pattern, name)) continue;
    first = first == 0 ? unfreezing.epoch : std::min(first, unfreezing.epoch);
  }
  return std::max<int64_t>(first, 1);
}

std::vector<int64_t> PhaseStarts(const ImportedModel& model,
                                 const std::vector<Unfreezing>& unfreezings) {
  std::set<int64_t> starts = {1};
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role != Parameter::Role::kTrained) continue;
    starts.insert(FirstEpochOf(model.graph.value(parameter.value).name, unfreezings));
  }
  return {starts.begin(), starts.end()};
}

absl::Status CountStepsFromUnfreezing(Graph& graph, const std::vector<Unfreezing>& unfreezings,
                                      int64_t steps_per_epoch, ValueId step,
                                      std::vector<ParameterGradient>& parameters) {
  FreshValueNames names(graph);
  std::map<int64_t, ValueId> counts = {{1, step}};  // by first epoch
  for (ParameterGradient& pair : parameters) {
    const int64_t epoch = FirstEpochOf(graph.value(pair.parameter).name, unfreezings);
    if (!counts.contains(epoch)) {
      const std::string name = names.Take(absl::StrCat("step_from_epoch_", epoch));
      const ValueId before =
          graph.AddConstant(name, Tensor::Scalar<int64_t>((epoch - 1) * steps_per_epoch));
      STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> count,
                             AppendNode(graph, Node{name, "", "Sub", {}, {step, before}, {}}, 1));
      counts[epoch] = count[0];
    }
    pair.step = counts[epoch];
  }
  return absl::OkStatus();
}

}  // namespace strop
