#include "plugin/training/graph/loss_prediction.h"

#include <string>
#include <vector>

#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// Whether each element of the first output is an element of the first input.
bool PassesElements(const Node& node) {
  const OpDefinition& op = FactsOf(node);
  return op.is_view || op.is_cast;
}

// An activation that the loss applies itself.
bool IsAbsorbedBy(LossKind kind, const Node& node) {
  const ProbabilityActivation activation = FactsOf(node).probability_activation;
  return activation != ProbabilityActivation::kNone && activation == RowOf(kind).activation;
}

}  // namespace

absl::StatusOr<Logits> FindLogits(Graph& graph, LossKind kind, ValueId output) {
  const GraphIndex index(graph);
  std::vector<size_t> views;
  ValueId value = output;
  bool moves_axes = false;
  for (;;) {
    const int producer = index.producer(value);
    if (producer < 0) return Logits{output, std::nullopt};
    const Node& node = graph.nodes[static_cast<size_t>(producer)];
    if (IsAbsorbedBy(kind, node)) break;
    if (!PassesElements(node)) return Logits{output, std::nullopt};
    moves_axes = moves_axes || FactsOf(node).shapes != SameShapeAsInput0;
    views.push_back(static_cast<size_t>(producer));
    value = node.inputs[0];
  }
  const Node& activation = graph.nodes[static_cast<size_t>(index.producer(value))];
  Logits logits{activation.inputs[0], std::nullopt};
  if (kind == LossKind::kCrossEntropy && !moves_axes) {
    logits.axis = activation.attributes.Int("axis", -1);
  }
  const std::optional<Shape> shape = graph.type(output).shape;
  for (size_t i = views.size(); i-- > 0;) {
    Node view = graph.nodes[views[i]];
    view.name += "/logits";
    view.inputs[0] = logits.value;
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs,
                           AppendNode(graph, std::move(view), 1));
    logits.value = outputs[0];
  }
  if (!graph.type(logits.value).shape.has_value()) graph.value(logits.value).type.shape = shape;
  return logits;
}

absl::Status WidenHalf(Graph& graph, ValueId& value) {
  const TensorType type = graph.type(value);
  if (type.element_type != DataType::kFloat16 && type.element_type != DataType::kBFloat16) {
    return absl::OkStatus();
  }
  Node cast{"loss/prediction", "", "Cast"};
  cast.attributes.Set("to", static_cast<int64_t>(DataType::kFloat));
  cast.inputs = {value};
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> wide, AppendNode(graph, std::move(cast), 1));
  value = wide[0];
  graph.value(value).type.shape = type.shape;
  return absl::OkStatus();
}

}  // namespace strop
