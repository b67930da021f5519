// One node of the model becomes one or more of the graph, or a constant.

#include <onnx/defs/schema.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/graph_builder.h"
#include "importer/node_order.h"
#include "importer/node_types.h"
#include "importer/opset_upgrade/opset_upgrade.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// A model of few bytes can expand to any number of nodes by functions that call functions.
constexpr int64_t kMostNodes = 200'000;

// A function body's references to its caller's attributes, replaced by these. A reference to an
// attribute that the caller does not give leaves the attribute out.
onnx::NodeProto ResolveReferences(const onnx::NodeProto& node, const Scope& scope) {
  onnx::NodeProto resolved = node;
  resolved.clear_attribute();
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.ref_attr_name().empty()) {
      *resolved.add_attribute() = attribute;
      continue;
    }
    const auto argument = scope.arguments.find(attribute.ref_attr_name());
    if (argument == scope.arguments.end()) continue;
    onnx::AttributeProto* added = resolved.add_attribute();
    *added = argument->second;
    added->set_name(attribute.name());
  }
  return resolved;
}

bool HasReference(const onnx::NodeProto& node) {
  return std::any_of(node.attribute().begin(), node.attribute().end(),
                     [](const auto& attribute) { return !attribute.ref_attr_name().empty(); });
}

// What the operator's own schema of that opset says of inputs, outputs and attributes.
absl::Status VerifyAgainstSchema(const onnx::NodeProto& node, const onnx::OpSchema& schema) {
  try {
    schema.Verify(node);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("node ", NodeProtoLabel(node), ": ",
                                                   error.what(), "; export the model again"));
  }
  return absl::OkStatus();
}

// Whether strings would pass through a kernel; none knows them.
bool HandlesStrings(const Graph& graph, const Node& node, const OpDefinition& definition) {
  const auto is_string = [&graph](ValueId value) {
    return value != kNoValue && graph.type(value).element_type == DataType::kString;
  };
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (is_string(node.inputs[i]) && definition.use_of(i) == InputUse::kElements) return true;
  }
  return std::any_of(node.outputs.begin(), node.outputs.end(), is_string);
}

}  // namespace

absl::Status GraphBuilder::AddNode(const onnx::NodeProto& proto, Scope& scope) {
  if (HasReference(proto)) return AddNode(ResolveReferences(proto, scope), scope);
  if (const onnx::FunctionProto* function = FindFunction(proto); function != nullptr) {
    return InlineFunction(proto, *function, scope);
  }
  const std::string domain = NormalizedDomain(proto.domain());
  const auto import = scope.opsets.find(domain);
  if (import == scope.opsets.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", NodeProtoLabel(proto), " is of domain \"", proto.domain(),
                     "\", for which the model imports no opset; export the model again"));
  }
  const int64_t opset = import->second;
  const onnx::OpSchema* schema =
      onnx::OpSchemaRegistry::Schema(proto.op_type(), static_cast<int>(opset), domain);
  if (schema != nullptr) STROP_RETURN_IF_ERROR(VerifyAgainstSchema(proto, *schema));
  if (domain.empty() && schema != nullptr) {
    if (proto.op_type() == "Constant") return AddConstantNode(proto, scope);
    if (proto.op_type() == "Identity") {
      const ValueId source = scope.Lookup(proto.input(0));
      if (source != kNoValue && scope.graph->value(source).kind == ValueKind::kConstant) {
        return AddIdentityOfConstant(proto, source, scope);
      }
    }
  }
  // Fused operators of other domains that optimized exports carry are lowered to standard ones by
  // adapters in the same manner; none is needed yet.
  const bool is_standard = domain.empty() || domain == "ai.onnx.ml";
  // Strop's own operators take what its gradient rules give them, and nothing of a file.
  const bool exists = schema != nullptr || (!is_standard && domain != kStropDomain);
  if (exists && (FindOp(domain, proto.op_type()) != nullptr ||
                 (domain.empty() && HasUpgrade(proto.op_type(), opset)))) {
    return AddOperator(proto, scope, opset);
  }
  STROP_ASSIGN_OR_RETURN(const bool is_inlined, InlineSchemaFunction(proto, scope, opset));
  if (is_inlined) return absl::OkStatus();

  // Go on, so that all missing operators are reported at once.
  missing_[absl::StrCat(domain, domain.empty() ? "" : ".", proto.op_type())].push_back(
      scope.prefix + NodeProtoName(proto));
  for (const std::string& output : proto.output()) {
    if (output.empty()) continue;
    const ValueId value = scope.graph->AddValue(scope.FullName(output), TensorType());
    STROP_RETURN_IF_ERROR(Define(scope, output, value));
  }
  return absl::OkStatus();
}

absl::Status GraphBuilder::AddOperator(const onnx::NodeProto& proto, Scope& scope, int64_t opset) {
  Node node;
  node.name = node_names_.Take(scope.prefix + NodeProtoName(proto));
  node.domain = NormalizedDomain(proto.domain());
  node.op_type = proto.op_type();
  STROP_ASSIGN_OR_RETURN(node.attributes, ReadAttributes(proto, scope));
  for (const std::string& input : proto.input()) {
    node.inputs.push_back(input.empty() ? kNoValue : scope.Lookup(input));
  }
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  STROP_RETURN_IF_ERROR(AddSubgraphs(proto, scope, node));
  for (const std::string& output : proto.output()) {
    if (output.empty()) {
      node.outputs.push_back(kNoValue);
      continue;
    }
    const ValueId value = scope.graph->AddValue(scope.FullName(output), TensorType());
    STROP_RETURN_IF_ERROR(Define(scope, output, value));
    node.outputs.push_back(value);
  }
  while (!node.outputs.empty() && node.outputs.back() == kNoValue) node.outputs.pop_back();
  if (widening_ != Widening::kNone) WidenTypeAttributes(node);
  if (!node.domain.empty()) return AppendNode(*scope.graph, std::move(node));
  NodeUpgrade upgrade(std::move(node), *scope.graph,
                      [&](Node added) { return AppendNode(*scope.graph, std::move(added)); });
  STROP_RETURN_IF_ERROR(UpgradeNode(upgrade, opset));
  return AppendNode(*scope.graph, std::move(upgrade.node));
}

absl::Status GraphBuilder::AppendNode(Graph& graph, Node node) {
  if (++node_count_ > kMostNodes) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", NodeLabel(node), ": the model's functions expand to more than ",
                     kMostNodes, " nodes; export it without functions"));
  }
  const std::string op = absl::StrCat(node.domain, node.domain.empty() ? "" : ".", node.op_type);
  const OpDefinition* definition = FindOp(node.domain, node.op_type);
  if (definition == nullptr) {
    missing_[op].push_back(node.name);
  } else if (missing_.empty()) {  // behind a missing operator no type is known
    STROP_RETURN_IF_ERROR(CheckInputTypes(node, graph));
    STROP_RETURN_IF_ERROR(InferElementTypes(graph, node));
    if (HandlesStrings(graph, node, *definition)) missing_[op + " of strings"].push_back(node.name);
  }
  if (!calls_.empty()) built_.calls[node.name] = calls_.front().call;
  graph.nodes.push_back(std::move(node));
  return absl::OkStatus();
}

absl::Status GraphBuilder::AddConstantNode(const onnx::NodeProto& proto, Scope& scope) {
  if (proto.attribute_size() != 1 || proto.output_size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", NodeProtoLabel(proto), " has ", proto.attribute_size(),
                     " attributes, expected exactly one value; export the model again"));
  }
  const onnx::AttributeProto& value = proto.attribute(0);
  Tensor tensor;
  auto type = static_cast<DataType>(value.t().data_type());
  if (value.has_t()) {
    STROP_ASSIGN_OR_RETURN(tensor, ReadTensor(value.t()));
  } else {
    STROP_ASSIGN_OR_RETURN(const Tensor numbers, TensorOfNumbers(proto, value));
    type = numbers.type();
    STROP_ASSIGN_OR_RETURN(tensor, Widened(numbers));
  }
  return AddConstant(proto.output(0), std::move(tensor),
                     {.type = type,
                      .tensor = value.has_t() ? TensorNumber(value.t()) : -1,
                      .origin = Parameter::Origin::kConstantNode},
                     scope);
}

absl::Status GraphBuilder::AddConstant(const std::string& name, Tensor elements,
                                       ImportedConstant constant, Scope& scope) {
  const bool is_main = scope.graph == &built_.graph;
  const std::string full_name = scope.FullName(name);
  constant.value = scope.graph->AddConstant(is_main ? constant_names_.Take(full_name) : full_name,
                                            std::move(elements));
  constant.is_in_function = !calls_.empty();
  if (is_main) built_.constants.push_back(constant);
  return Define(scope, name, constant.value);
}

absl::Status GraphBuilder::AddIdentityOfConstant(const onnx::NodeProto& proto, ValueId source,
                                                 Scope& scope) {
  if (!PartsFromSource(proto, scope)) return Define(scope, proto.output(0), source);
  ImportedConstant constant = ConstantOf(source);
  constant.origin = Parameter::Origin::kIdentity;
  return AddConstant(proto.output(0), scope.graph->value(source).tensor, constant, scope);
}

// Whether what an Identity of a constant gives is a parameter of its own. PyTorch's exporter stores
// equal tensors once and hands them on to their other readers so, in the main graph; the exporter
// parts them again where training has. Anywhere else, and where nothing but this Identity reads the
// constant, it is one more name of the same tensor.
bool GraphBuilder::PartsFromSource(const onnx::NodeProto& identity, const Scope& scope) const {
  const bool is_main = scope.graph == &built_.graph && scope.prefix.empty();
  return is_main && reads_.at(identity.input(0)) > 1;
}

ImportedConstant GraphBuilder::ConstantOf(ValueId value) const {
  const auto found =
      std::lower_bound(built_.constants.begin(), built_.constants.end(), value,
                       [](const ImportedConstant& a, ValueId b) { return a.value < b; });
  if (found != built_.constants.end() && found->value == value) return *found;
  return {.value = value, .type = built_.graph.type(value).element_type};
}

}  // namespace strop
