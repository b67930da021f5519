// Attributes of a node, subgraphs among them.

#include <onnx/defs/schema.h>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/graph_builder.h"
#include "importer/node_order.h"

namespace strop {

using onnx::AttributeProto;

absl::StatusOr<Attributes> GraphBuilder::ReadAttributes(const onnx::NodeProto& proto,
                                                        Scope& scope) {
  Attributes attributes;
  for (const AttributeProto& attribute : proto.attribute()) {
    if (attribute.type() == AttributeProto::GRAPH) continue;  // AddSubgraphs
    absl::StatusOr<Attribute> value = ReadAttribute(attribute);
    if (!value.ok()) {
      return absl::Status(
          value.status().code(),
          absl::StrCat("node \"", scope.prefix, NodeProtoName(proto), "\": attribute \"",
                       attribute.name(), "\": ", value.status().message()));
    }
    attributes.Set(attribute.name(), *std::move(value));
  }
  return attributes;
}

absl::StatusOr<Attribute> GraphBuilder::ReadAttribute(const AttributeProto& proto) {
  switch (proto.type()) {
    case AttributeProto::FLOAT:
      return Attribute(static_cast<double>(proto.f()));
    case AttributeProto::INT:
      return Attribute(static_cast<int64_t>(proto.i()));
    case AttributeProto::STRING:
      return Attribute(proto.s());
    case AttributeProto::FLOATS:
      return Attribute(std::vector<double>(proto.floats().begin(), proto.floats().end()));
    case AttributeProto::INTS:
      return Attribute(std::vector<int64_t>(proto.ints().begin(), proto.ints().end()));
    case AttributeProto::STRINGS:
      return Attribute(std::vector<std::string>(proto.strings().begin(), proto.strings().end()));
    case AttributeProto::TENSOR: {
      STROP_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(proto.t()));
      return Attribute(std::move(tensor));
    }
    default:
      return absl::UnimplementedError(
          absl::StrCat("found an attribute of kind ", static_cast<int>(proto.type()),
                       ", expected numbers, strings, a tensor or a graph"));
  }
}

absl::Status GraphBuilder::AddSubgraphs(const onnx::NodeProto& proto, Scope& scope, Node& node) {
  struct Subgraph {
    std::string attribute;
    Graph graph;
    std::vector<Scope::Capture> captures;
  };
  std::vector<Subgraph> subgraphs;
  for (const AttributeProto& attribute : proto.attribute()) {
    if (attribute.type() != AttributeProto::GRAPH) continue;
    Subgraph& subgraph = subgraphs.emplace_back();
    subgraph.attribute = attribute.name();
    Scope inner;
    inner.graph = &subgraph.graph;
    inner.opsets = scope.opsets;
    inner.outer = &scope;
    inner.arguments = scope.arguments;
    STROP_RETURN_IF_ERROR(AddGraph(attribute.g(), inner));
    subgraph.captures = inner.captures;
  }
  if (subgraphs.empty()) return absl::OkStatus();

  std::vector<ValueId> captured;
  absl::flat_hash_set<ValueId> seen;
  for (const Subgraph& subgraph : subgraphs) {
    for (const Scope::Capture& capture : subgraph.captures) {
      if (seen.insert(capture.outside).second) captured.push_back(capture.outside);
    }
  }
  for (Subgraph& subgraph : subgraphs) {
    // AddGraph put the captured inputs last; bring them into the common order.
    Graph& graph = subgraph.graph;
    graph.inputs.resize(graph.inputs.size() - subgraph.captures.size());
    absl::flat_hash_map<ValueId, ValueId> inside_of;
    for (const Scope::Capture& capture : subgraph.captures) {
      inside_of[capture.outside] = capture.inside;
    }
    for (const ValueId outside : captured) {
      if (const auto found = inside_of.find(outside); found != inside_of.end()) {
        graph.inputs.push_back(found->second);
      } else {  // only another subgraph of the node reads it
        graph.AddInput(scope.graph->value(outside).name, scope.graph->type(outside));
      }
    }
    node.attributes.Set(subgraph.attribute, std::make_shared<const Graph>(std::move(graph)));
  }
  node.attributes.Set("captured_inputs", static_cast<int64_t>(captured.size()));
  node.inputs.insert(node.inputs.end(), captured.begin(), captured.end());
  return absl::OkStatus();
}

// Attributes that name a floating element type: Cast's to, RandomNormal's dtype, the precision of
// LayerNormalization's inner part (stash_type, float unless said) and of Attention's softmax.
void GraphBuilder::WidenTypeAttributes(Node& node) const {
  const auto widen = [&](const char* name, DataType unless_said) {
    const auto found =
        static_cast<DataType>(node.attributes.Int(name, static_cast<int64_t>(unless_said)));
    if (Widened(found) != found) node.attributes.Set(name, static_cast<int64_t>(Widened(found)));
  };
  for (const char* name : {"to", "dtype", "softmax_precision"}) widen(name, DataType::kUndefined);
  const onnx::OpSchema* schema = onnx::OpSchemaRegistry::Schema(node.op_type, node.domain);
  if (schema != nullptr && schema->attributes().contains("stash_type")) {
    widen("stash_type", DataType::kFloat);
  }
}

}  // namespace strop
