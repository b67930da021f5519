#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "graph/graph.h"
#include "graph/graph_index.h"

namespace strop {
namespace {

std::string AttributeText(const Attribute& attribute) {
  struct Printer {
    std::string operator()(int64_t value) const { return absl::StrCat(value); }
    std::string operator()(double value) const { return absl::StrCat(value); }
    std::string operator()(const std::string& value) const { return "'" + value + "'"; }
    std::string operator()(const std::vector<int64_t>& value) const {
      return "[" + absl::StrJoin(value, ",") + "]";
    }
    std::string operator()(const std::vector<double>& value) const {
      return "[" + absl::StrJoin(value, ",") + "]";
    }
    std::string operator()(const std::vector<std::string>& value) const {
      return "[" + absl::StrJoin(value, ",") + "]";
    }
    std::string operator()(const Tensor& value) const {
      return TypeName({value.type(), value.shape()});
    }
    std::string operator()(const std::shared_ptr<const Graph>& value) const {
      return "graph '" + value->name + "'";
    }
  };
  return std::visit(Printer(), attribute);
}

std::string ValueText(const Graph& graph, ValueId id) {
  return id == kNoValue ? "_" : "%" + graph.value(id).name;
}

std::string NodeText(const Graph& graph, const Node& node) {
  std::vector<std::string> outputs;
  for (const ValueId id : node.outputs) {
    outputs.push_back(id == kNoValue ? "_"
                                     : ValueText(graph, id) + ": " + TypeName(graph.type(id)));
  }
  std::vector<std::string> inputs;
  for (const ValueId id : node.inputs) inputs.push_back(ValueText(graph, id));
  std::vector<std::string> attributes;
  for (const auto& [key, attribute] : node.attributes) {
    attributes.push_back(key + "=" + AttributeText(attribute));
  }
  return absl::StrCat(absl::StrJoin(outputs, ", "), " = ",
                      node.domain.empty() ? "" : node.domain + ".", node.op_type, "(",
                      absl::StrJoin(inputs, ", "), ")",
                      attributes.empty() ? "" : " {" + absl::StrJoin(attributes, ", ") + "}");
}

std::string DotQuoted(const std::string& text) {
  return "\"" + absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}) + "\"";
}

std::string_view KindText(ValueKind kind) {
  switch (kind) {
    case ValueKind::kInput:
      return "input";
    case ValueKind::kConstant:
      return "constant";
    case ValueKind::kState:
      return "state";
    case ValueKind::kNodeOutput:
      return "value";
  }
  return "value";
}

bool IsReadSource(const Value& value, int use_count) {
  return value.kind != ValueKind::kNodeOutput && use_count > 0;
}

}  // namespace

std::string PrintGraph(const Graph& graph) {
  std::string text = absl::StrCat("graph '", graph.name, "'\n");
  const GraphIndex index(graph);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (!IsReadSource(value, index.use_count(static_cast<ValueId>(i)))) continue;
    absl::StrAppend(&text, "  ", std::string(KindText(value.kind)), " %", value.name, ": ",
                    TypeName(value.type), "\n");
  }
  for (const Node& node : graph.nodes) absl::StrAppend(&text, "  ", NodeText(graph, node), "\n");
  for (const StateUpdate& update : graph.state_updates) {
    absl::StrAppend(&text, "  update ", ValueText(graph, update.state), " <- ",
                    ValueText(graph, update.updated), "\n");
  }
  for (const ValueId id : graph.outputs) {
    absl::StrAppend(&text, "  output ", ValueText(graph, id), ": ", TypeName(graph.type(id)), "\n");
  }
  return text;
}

std::string PrintGraphviz(const Graph& graph) {
  std::string text = "digraph " + DotQuoted(graph.name) + " {\n  node [shape=box];\n";
  const GraphIndex index(graph);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (!IsReadSource(value, index.use_count(static_cast<ValueId>(i)))) continue;
    absl::StrAppend(&text, "  v", i,
                    " [shape=ellipse,label=", DotQuoted(value.name + "\n" + TypeName(value.type)),
                    "];\n");
  }
  const auto source = [&](ValueId id) {
    const int producer = index.producer(id);
    return producer < 0 ? absl::StrCat("v", id) : absl::StrCat("n", producer);
  };
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    absl::StrAppend(&text, "  n", n, " [label=", DotQuoted(node.op_type + "\n" + node.name),
                    "];\n");
    for (const ValueId id : node.inputs) {
      if (id != kNoValue) absl::StrAppend(&text, "  ", source(id), " -> n", n, ";\n");
    }
  }
  for (const ValueId id : graph.outputs) {
    absl::StrAppend(&text, "  out", id, " [shape=ellipse,label=", DotQuoted(graph.value(id).name),
                    "];\n  ", source(id), " -> out", id, ";\n");
  }
  return text + "}\n";
}

}  // namespace strop
