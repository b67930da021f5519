#include "plugin/training/graph/gradient_accumulation.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {

absl::StatusOr<ValueId> AddLossCotangent(Graph& graph, ValueId loss, ValueId batch_share) {
  const auto type = static_cast<int64_t>(graph.type(loss).element_type);
  STROP_ASSIGN_OR_RETURN(
      const std::vector<ValueId> cast,
      AppendNode(graph, Node{"loss_cotangent", "", "Cast", {{"to", type}}, {batch_share}, {}}, 1));
  return cast[0];
}

absl::StatusOr<std::vector<ValueId>> AccumulateGradients(
    Graph& graph, StepVariant::Kind kind, ValueId keeps_gradients,
    std::vector<ParameterGradient>& parameters) {
  const bool keeps_sum =
      kind == StepVariant::Kind::kAccumulate || kind == StepVariant::Kind::kAccumulateAscended;
  std::vector<ValueId> health;
  for (ParameterGradient& pair : parameters) {
    const std::string name =
        absl::StrCat(graph.value(pair.parameter).name, "/accumulated_gradient");
    const Tensor& parameter = graph.value(pair.parameter).tensor;
    const ValueId state = graph.AddState(name, Tensor(parameter.type(), parameter.shape()));
    Node node{name, std::string(kStropDomain), "Accumulate"};
    node.inputs = {state, pair.gradient, keeps_gradients};
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> sums,
                           AppendNode(graph, std::move(node), keeps_sum ? 2 : 1));
    pair.gradient = sums[0];
    if (!keeps_sum) continue;
    graph.state_updates.push_back({state, sums[0]});
    health.push_back(sums[1]);
  }
  return health;
}

}  // namespace strop
