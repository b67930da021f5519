#include "plugin/training/node_mode.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/registry.h"
#include "plugin/training/lora.h"
#include "plugin/training/value_name.h"

namespace strop {
namespace {

constexpr size_t kRunningMean = 3;
constexpr size_t kRunningVariance = 4;

bool IsOnnx(const Node& node, std::string_view op_type) {
  return node.domain.empty() && node.op_type == op_type;
}

// Lets the state that the node reads as input `statistic` take what the node computes.
absl::Status MoveStatistic(Graph& graph, size_t node_index, size_t statistic,
                           std::set<ValueId>& moved) {
  const ValueId state = graph.nodes[node_index].inputs[statistic];
  if (graph.value(state).kind != ValueKind::kState) return absl::OkStatus();
  if (!moved.insert(state).second) {
    return absl::UnimplementedError(absl::StrCat(
        "train: ", NodeLabel(graph.nodes[node_index]), " shares the running statistic \"",
        graph.value(state).name, "\" with another node; use --batch-norm frozen"));
  }
  const size_t output = statistic - kRunningMean + 1;
  const ValueId updated = graph.AddValue(
      UniqueValueName(graph, absl::StrCat(graph.value(state).name, "/updated")), graph.type(state));
  Node& node = graph.nodes[node_index];
  if (node.outputs.size() <= output) node.outputs.resize(output + 1, kNoValue);
  if (node.outputs[output] != kNoValue) {
    graph.state_updates.push_back({state, node.outputs[output]});
    return absl::OkStatus();
  }
  node.outputs[output] = updated;
  graph.state_updates.push_back({state, updated});
  return absl::OkStatus();
}

}  // namespace

absl::Status KeepBatchNormMode(Graph& graph) {
  std::set<ValueId> moved;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!IsOnnx(node, "BatchNormalization")) continue;
    if (node.attributes.Int("training_mode", 0) == 0) continue;
    STROP_RETURN_IF_ERROR(MoveStatistic(graph, n, kRunningMean, moved));
    STROP_RETURN_IF_ERROR(MoveStatistic(graph, n, kRunningVariance, moved));
    STROP_RETURN_IF_ERROR(InferElementTypes(graph, graph.nodes[n]));
  }
  return absl::OkStatus();
}

absl::Status SetBatchNormMode(Graph& graph, bool is_training) {
  for (Node& node : graph.nodes) {
    if (!IsOnnx(node, "BatchNormalization")) continue;
    node.attributes.Set("training_mode", int64_t{is_training});
    if (!is_training) node.outputs.resize(1);
  }
  return KeepBatchNormMode(graph);
}

void KeepLastBatchStatistics(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (IsOnnx(node, "BatchNormalization")) node.attributes.Set("momentum", 0.0);
  }
}

int SetDropoutMode(Graph& graph, DropoutNodes which, bool is_training, std::optional<double> rate) {
  int count = 0;
  const ValueId mode = graph.AddConstant(UniqueValueName(graph, "dropout_training_mode"),
                                         Tensor::Scalar<bool>(is_training));
  const ValueId ratio = rate.has_value()
                            ? graph.AddConstant(UniqueValueName(graph, "dropout_rate"),
                                                Tensor::Scalar<float>(static_cast<float>(*rate)))
                            : kNoValue;
  for (Node& node : graph.nodes) {
    if (!IsOnnx(node, "Dropout")) continue;
    if (which == DropoutNodes::kOfModel && node.attributes.Has(kLoraDropoutAttribute)) continue;
    ++count;
    node.inputs.resize(3, kNoValue);
    node.inputs[2] = mode;
    if (ratio != kNoValue) node.inputs[1] = ratio;
  }
  return count;
}

void NumberRandomNodes(Graph& graph) {
  int64_t stream = 0;
  for (Node& node : graph.nodes) {
    const OpDefinition* op = FindOp(node.domain, node.op_type);
    if (op != nullptr && op->is_random) node.attributes.Set("stream", ++stream);
  }
}

}  // namespace strop
