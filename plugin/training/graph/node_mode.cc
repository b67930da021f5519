#include "plugin/training/graph/node_mode.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "ops/core/registry.h"
#include "plugin/training/graph/lora.h"

namespace strop {
namespace {

constexpr size_t kRunningMean = 3;
constexpr size_t kRunningVariance = 4;
constexpr size_t kTrainingMode = 2;  // of Dropout

bool TakesBatchStatistics(const Node& node) {
  return FactsOf(node).training_behavior == TrainingBehavior::kBatchStatistics;
}

bool DropsElements(const Node& node) {
  return FactsOf(node).training_behavior == TrainingBehavior::kDropsElements;
}

// Whether a Dropout may drop: its training_mode is there and not known to be false.
bool Drops(const Graph& graph, const Node& node) {
  if (node.inputs.size() <= kTrainingMode || node.inputs[kTrainingMode] == kNoValue) return false;
  const Value& mode = graph.value(node.inputs[kTrainingMode]);
  return mode.kind != ValueKind::kConstant || mode.tensor.elements<bool>()[0];
}

// Lets the state that the node reads as input `statistic` take what the node computes.
absl::Status MoveStatistic(Graph& graph, size_t node_index, size_t statistic,
                           FreshValueNames& names, std::set<ValueId>& moved) {
  const ValueId state = graph.nodes[node_index].inputs[statistic];
  if (graph.value(state).kind != ValueKind::kState) return absl::OkStatus();
  if (!moved.insert(state).second) {
    return absl::UnimplementedError(absl::StrCat(
        "train: ", NodeLabel(graph.nodes[node_index]), " shares the running statistic \"",
        graph.value(state).name, "\" with another node; use --batch-norm frozen"));
  }
  const size_t output = statistic - kRunningMean + 1;
  const ValueId updated = graph.AddValue(
      names.Take(absl::StrCat(graph.value(state).name, "/updated")), graph.type(state));
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
  FreshValueNames names(graph);
  std::set<ValueId> moved;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (!TakesBatchStatistics(node)) continue;
    if (node.attributes.Int("training_mode", 0) == 0) continue;
    STROP_RETURN_IF_ERROR(MoveStatistic(graph, n, kRunningMean, names, moved));
    STROP_RETURN_IF_ERROR(MoveStatistic(graph, n, kRunningVariance, names, moved));
    STROP_RETURN_IF_ERROR(InferElementTypes(graph, graph.nodes[n]));
  }
  return absl::OkStatus();
}

absl::Status SetBatchNormMode(Graph& graph, bool is_training) {
  for (Node& node : graph.nodes) {
    if (!TakesBatchStatistics(node)) continue;
    node.attributes.Set("training_mode", int64_t{is_training});
    if (!is_training) node.outputs.resize(1);
  }
  return KeepBatchNormMode(graph);
}

void KeepLastBatchStatistics(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (TakesBatchStatistics(node)) node.attributes.Set("momentum", 0.0);
  }
}

int SetDropoutMode(Graph& graph, DropoutNodes which, bool is_training, std::optional<double> rate) {
  int count = 0;
  FreshValueNames names(graph);
  const ValueId mode =
      graph.AddConstant(names.Take("dropout_training_mode"), Tensor::Scalar<bool>(is_training));
  const ValueId ratio = rate.has_value()
                            ? graph.AddConstant(names.Take("dropout_rate"),
                                                Tensor::Scalar<float>(static_cast<float>(*rate)))
                            : kNoValue;
  for (Node& node : graph.nodes) {
    if (!DropsElements(node)) continue;
    if (which == DropoutNodes::kOfModel && node.attributes.Has(kLoraDropoutAttribute)) continue;
    ++count;
    node.inputs.resize(3, kNoValue);
    node.inputs[kTrainingMode] = mode;
    if (ratio != kNoValue) node.inputs[1] = ratio;
  }
  return count;
}

void RemoveRestingDropouts(Graph& graph) {
  const GraphIndex index(graph);
  std::vector<Node> nodes = std::move(graph.nodes);
  graph.nodes.clear();
  ValueReplacement replaced;
  for (Node& node : nodes) {
    replaced.ApplyTo(node);
    if (!DropsElements(node)) {
      graph.nodes.push_back(std::move(node));
      continue;
    }
    const bool has_mask = node.outputs.size() > 1 && node.outputs[1] != kNoValue;
    const bool is_needed = Drops(graph, node) || index.is_output(node.outputs[0]) ||
                           (has_mask && index.use_count(node.outputs[1]) > 0);
    if (is_needed) {
      graph.nodes.push_back(std::move(node));
    } else {
      replaced.Set(node.outputs[0], node.inputs[0]);
    }
  }
}

void NumberRandomNodes(Graph& graph) {
  int64_t stream = 0;
  for (Node& node : graph.nodes) {
    const OpDefinition* op = FindOp(node.domain, node.op_type);
    if (op != nullptr && op->is_random) node.attributes.Set("stream", ++stream);
  }
}

}  // namespace strop
