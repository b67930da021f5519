#include "graph/graph.h"

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
