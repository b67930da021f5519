#include "graph/graph.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace strop {
namespace {

ValueId Append(Graph& graph, Value value) {
  graph.values.push_back(std::move(value));
  return static_cast<ValueId>(graph.values.size() - 1);
}

}  // namespace

ValueId Graph::AddInput(std::string value_name, TensorType type) {
  const ValueId id =
      Append(*this, {std::move(value_name), std::move(type), ValueKind::kInput, Tensor()});
  inputs.push_back(id);
  return id;
}

ValueId Graph::AddConstant(std::string value_name, Tensor tensor) {
  TensorType type{tensor.type(), tensor.shape()};
  return Append(*this,
                {std::move(value_name), std::move(type), ValueKind::kConstant, std::move(tensor)});
}

ValueId Graph::AddState(std::string value_name, Tensor tensor) {
  TensorType type{tensor.type(), tensor.shape()};
  return Append(*this,
                {std::move(value_name), std::move(type), ValueKind::kState, std::move(tensor)});
}

ValueId Graph::AddValue(std::string value_name, TensorType type) {
  return Append(*this, {std::move(value_name), std::move(type), ValueKind::kNodeOutput, Tensor()});
}

ValueId Graph::FindValue(std::string_view value_name) const {
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].name == value_name) return static_cast<ValueId>(i);
  }
  return kNoValue;
}

std::vector<int> Graph::Producers() const {
  std::vector<int> producers(values.size(), -1);
  for (size_t n = 0; n < nodes.size(); ++n) {
    for (const ValueId output : nodes[n].outputs) {
      if (output != kNoValue) producers[static_cast<size_t>(output)] = static_cast<int>(n);
    }
  }
  return producers;
}

std::vector<int> Graph::UseCounts() const {
  std::vector<int> counts(values.size(), 0);
  const auto count = [&](ValueId id) {
    if (id != kNoValue) ++counts[static_cast<size_t>(id)];
  };
  for (const Node& node : nodes) {
    for (const ValueId input : node.inputs) count(input);
  }
  for (const ValueId output : outputs) count(output);
  for (const StateUpdate& update : state_updates) count(update.updated);
  return counts;
}

void Graph::ReplaceUses(ValueId from, ValueId to) {
  for (Node& node : nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(outputs.begin(), outputs.end(), from, to);
  for (StateUpdate& update : state_updates) {
    if (update.updated == from) update.updated = to;
  }
}

void Graph::RemoveDeadNodes() {
  std::vector<bool> live(values.size(), false);
  const auto mark = [&](ValueId id) {
    if (id != kNoValue) live[static_cast<size_t>(id)] = true;
  };
  for (const ValueId output : outputs) mark(output);
  for (const StateUpdate& update : state_updates) mark(update.updated);
  std::vector<bool> keep(nodes.size(), false);
  for (size_t n = nodes.size(); n-- > 0;) {
    for (const ValueId output : nodes[n].outputs) {
      if (output != kNoValue && live[static_cast<size_t>(output)]) keep[n] = true;
    }
    if (!keep[n]) continue;
    for (const ValueId input : nodes[n].inputs) mark(input);
  }
  size_t kept = 0;
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (!keep[n]) continue;
    if (kept != n) nodes[kept] = std::move(nodes[n]);
    ++kept;
  }
  nodes.resize(kept);
}

std::string NodeLabel(const Node& node) {
  return absl::StrCat("\"", node.name, "\" (", node.domain.empty() ? "" : node.domain + ".",
                      node.op_type, ")");
}

}  // namespace strop
