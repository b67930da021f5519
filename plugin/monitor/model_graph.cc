#include "plugin/monitor/model_graph.h"

#include <set>

#include "absl/strings/str_cat.h"

namespace strop {
namespace {

std::string_view OpOf(ValueKind kind) {
  switch (kind) {
    case ValueKind::kInput:
      return "Input";
    case ValueKind::kConstant:
      return "Constant";
    default:
      return "Parameter";
  }
}

}  // namespace

ModelGraph ModelGraphOf(const Graph& graph) {
  ModelGraph model;
  std::set<std::string> taken;
  const auto unique = [&taken](const std::string& name) {
    std::string candidate = name;
    for (int i = 1; !taken.insert(candidate).second; ++i) candidate = absl::StrCat(name, "_", i);
    return candidate;
  };
  const std::vector<int> uses = graph.UseCounts();
  std::vector<std::string> source(graph.values.size());  // the node that a value comes from
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.kind == ValueKind::kNodeOutput || uses[i] == 0) continue;
    source[i] = unique(value.name);
    model.nodes.push_back({source[i],
                           std::string(OpOf(value.kind)),
                           {},
                           value.type.shape,
                           std::string(DataTypeName(value.type.element_type))});
  }
  for (const Node& node : graph.nodes) {
    ModelGraph::Node out;
    out.name = unique(node.name);
    out.op = node.op_type;
    for (const ValueId input : node.inputs) {
      if (input != kNoValue) out.inputs.push_back(source[static_cast<size_t>(input)]);
    }
    for (const ValueId output : node.outputs) {
      if (output != kNoValue) source[static_cast<size_t>(output)] = out.name;
    }
    if (!node.outputs.empty() && node.outputs[0] != kNoValue) {
      const TensorType& type = graph.type(node.outputs[0]);
      out.shape = type.shape;
      out.type = std::string(DataTypeName(type.element_type));
    }
    model.nodes.push_back(std::move(out));
  }
  return model;
}

}  // namespace strop
