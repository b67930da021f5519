// Calls of functions, the model's own and those by which ONNX's schemas define operators, become
// the nodes of their bodies.

#include <onnx/defs/schema.h>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/graph_builder.h"
#include "importer/node_order.h"

namespace strop {
namespace {

constexpr size_t kDeepestCall = 64;

onnx::TypeProto ToTypeProto(const TensorType& type) {
  onnx::TypeProto proto;
  auto* tensor = proto.mutable_tensor_type();
  tensor->set_elem_type(static_cast<int>(type.element_type));
  if (!type.shape) return proto;
  auto* shape = tensor->mutable_shape();
  for (const int64_t dimension : *type.shape) {
    auto* added = shape->add_dim();
    if (dimension != kUnknownDimension) added->set_dim_value(dimension);
  }
  return proto;
}

}  // namespace

std::string FunctionKey(const std::string& domain, const std::string& name,
                        const std::string& overload) {
  return absl::StrCat(NormalizedDomain(domain), "\n", name, "\n", overload);
}

const onnx::FunctionProto* GraphBuilder::FindFunction(const onnx::NodeProto& call) const {
  const auto found = functions_.find(FunctionKey(call.domain(), call.op_type(), call.overload()));
  return found == functions_.end() ? nullptr : found->second;
}

absl::StatusOr<bool> GraphBuilder::InlineSchemaFunction(const onnx::NodeProto& call, Scope& scope,
                                                        int64_t opset) {
  const std::string domain = NormalizedDomain(call.domain());
  const int version = static_cast<int>(opset);
  onnx::FunctionProto body;
  try {
    const onnx::OpSchema* schema = onnx::OpSchemaRegistry::Schema(call.op_type(), version, domain);
    if (schema == nullptr) return false;
    if (schema->HasFunction()) {
      const onnx::FunctionProto* function = schema->GetFunction(version);
      if (function == nullptr) return false;
      body = *function;
    } else if (schema->HasContextDependentFunction()) {
      std::vector<onnx::TypeProto> types;
      for (const std::string& input : call.input()) {
        const ValueId value = input.empty() ? kNoValue : scope.Lookup(input);
        types.push_back(value == kNoValue ? onnx::TypeProto()
                                          : ToTypeProto(scope.graph->type(value)));
      }
      const onnx::FunctionBodyBuildContextImpl context(call, types);
      if (!schema->BuildContextDependentFunction(context, body, version)) return false;
    } else {
      return false;
    }
    // The body refers to attributes that the call may leave to the schema's defaults.
    for (const auto& [name, attribute] : schema->attributes()) {
      if (attribute.default_value.name().empty()) continue;
      *body.add_attribute_proto() = attribute.default_value;
    }
  } catch (const std::exception& error) {
    return absl::UnimplementedError(absl::StrCat(
        "node ", NodeProtoLabel(call), ": its function body cannot be built: ", error.what()));
  }
  body.set_domain(call.domain());
  body.set_name(call.op_type());
  STROP_RETURN_IF_ERROR(InlineFunction(call, body, scope));
  return true;
}

absl::Status GraphBuilder::InlineFunction(const onnx::NodeProto& call,
                                          const onnx::FunctionProto& function, Scope& scope) {
  const std::string key = FunctionKey(call.domain(), call.op_type(), call.overload());
  for (const Call& outer : calls_) {
    if (outer.key != key) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "node ", NodeProtoLabel(call), " calls a function that is being called already by ",
        outer.label, "; ONNX knows no recursion, export the model again"));
  }
  if (calls_.size() >= kDeepestCall) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", NodeProtoLabel(call), " stands in function calls more than ",
                     kDeepestCall, " deep; export the model with fewer functions"));
  }
  if (call.input_size() > function.input_size() || call.output_size() > function.output_size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "node ", NodeProtoLabel(call), " has ", call.input_size(), " inputs and ",
        call.output_size(), " outputs, expected at most the function's ", function.input_size(),
        " and ", function.output_size(), "; export the model again"));
  }

  Scope body;
  body.graph = scope.graph;
  STROP_ASSIGN_OR_RETURN(body.opsets, ReadOpsets(function.opset_import()));
  body.opsets.insert(scope.opsets.begin(), scope.opsets.end());
  const std::string name = node_names_.Take(scope.prefix + NodeProtoName(call));
  body.prefix = name + "/";
  for (int i = 0; i < function.input_size(); ++i) {
    const bool is_given = i < call.input_size() && !call.input(i).empty();
    STROP_RETURN_IF_ERROR(
        Define(body, function.input(i), is_given ? scope.Lookup(call.input(i)) : kNoValue));
  }
  for (const onnx::AttributeProto& fallback : function.attribute_proto()) {
    body.arguments[fallback.name()] = fallback;
  }
  for (const onnx::AttributeProto& argument : call.attribute()) {
    body.arguments[argument.name()] = argument;
  }
  for (int i = 0; i < call.output_size(); ++i) {
    if (!call.output(i).empty() && !body.Knows(function.output(i))) {
      body.result_names[function.output(i)] = scope.FullName(call.output(i));
    }
  }

  calls_.push_back({key, NodeProtoLabel(call), {name, call.op_type()}});
  std::vector<const onnx::NodeProto*> nodes;
  for (const onnx::NodeProto& node : function.node()) nodes.push_back(&node);
  STROP_RETURN_IF_ERROR(AddNodes(std::move(nodes), body));
  calls_.pop_back();

  for (int i = 0; i < call.output_size(); ++i) {
    if (call.output(i).empty()) continue;
    if (!body.Knows(function.output(i))) {
      return absl::InvalidArgumentError(
          absl::StrCat("function of node ", NodeProtoLabel(call), " never computes its output \"",
                       function.output(i), "\"; export the model again"));
    }
    STROP_RETURN_IF_ERROR(Define(scope, call.output(i), body.Lookup(function.output(i))));
  }
  return absl::OkStatus();
}

}  // namespace strop
