#include "plugin/monitor/model_graph.h"

#include "graph/graph_index.h"
#include "graph/unique_names.h"

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
  UniqueNames names(/*first_number=*/1);
  const GraphIndex index(graph);
  std::vector<std::string> source(graph.values.size());  // the node that a value comes from
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    const bool is_read = index.use_count(static_cast<ValueId>(i)) > 0;
    if (value.kind == ValueKind::kNodeOutput || !is_read) continue;
    source[i] = names.Take(value.name);
    model.nodes.push_back({source[i],
                           std::string(OpOf(value.kind)),
                           {},
                           value.type.shape,
                           std::string(DataTypeName(value.type.element_type))});
  }
  for (const Node& node : graph.nodes) {
    ModelGraph::Node out;
    out.name = names.Take(node.name);
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
