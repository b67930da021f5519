#include "plugin/operations/op_support.h"

#include <onnx/defs/function.h>
#include <onnx/defs/schema.h>

#include <algorithm>
#include <exception>
#include <map>
#include <set>

#include "ops/core/registry.h"

namespace strop {
namespace {

bool IsSupported(const onnx::OpSchema& schema, std::set<std::string>& callers);

bool IsNodeSupported(const onnx::NodeProto& node, std::set<std::string>& callers) {
  if (node.domain().empty() && node.op_type() == "Constant") return true;
  if (FindOp("", node.op_type()) != nullptr) return true;
  const onnx::OpSchema* schema = onnx::OpSchemaRegistry::Schema(node.op_type(), "");
  return schema != nullptr && IsSupported(*schema, callers);
}

// A call with every required input a float matrix, which decides the body of functions that depend
// on their context.
onnx::NodeProto TypicalCall(const onnx::OpSchema& schema, std::vector<onnx::TypeProto>& types) {
  onnx::NodeProto call;
  call.set_op_type(schema.Name());
  for (const auto& input : schema.inputs()) {
    if (input.GetOption() == onnx::OpSchema::Optional) break;
    call.add_input(input.GetName());
    onnx::TypeProto type;
    type.mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    for (int i = 0; i < 2; ++i) type.mutable_tensor_type()->mutable_shape()->add_dim();
    types.push_back(type);
  }
  for (const auto& output : schema.outputs()) call.add_output(output.GetName());
  return call;
}

// True if every operator of the schema's function body can run.
bool IsSupported(const onnx::OpSchema& schema, std::set<std::string>& callers) {
  if (!callers.insert(schema.Name()).second) return false;
  onnx::FunctionProto body;
  try {
    if (schema.HasFunction()) {
      body = *schema.GetFunction();
    } else if (schema.HasContextDependentFunction()) {
      std::vector<onnx::TypeProto> types;
      const onnx::NodeProto call = TypicalCall(schema, types);
      const onnx::FunctionBodyBuildContextImpl context(call, types);
      if (!schema.BuildContextDependentFunction(context, body)) return false;
    }
  } catch (const std::exception&) {
    return false;  // the schema wants another call
  }
  const bool is_supported =
      body.node_size() > 0 &&
      std::all_of(body.node().begin(), body.node().end(),
                  [&](const onnx::NodeProto& node) { return IsNodeSupported(node, callers); });
  callers.erase(schema.Name());
  return is_supported;
}

std::string GradientName(Differentiability differentiability) {
  switch (differentiability) {
    case Differentiability::kDifferentiable:
      return "yes";
    case Differentiability::kNotDifferentiable:
      return "no";
    case Differentiability::kNotImplemented:
      return "missing";
  }
  return "";
}

OpSupport SupportOf(const onnx::OpSchema& schema, std::vector<int> versions) {
  OpSupport support;
  support.name = schema.Name();
  support.versions = std::move(versions);
  std::sort(support.versions.begin(), support.versions.end());
  const OpDefinition* op = FindOp("", schema.Name());
  std::set<std::string> callers;
  if (op != nullptr || schema.Name() == "Constant") {
    support.forward = OpSupport::Forward::kKernel;
  } else if (IsSupported(schema, callers)) {
    support.forward = OpSupport::Forward::kFunction;
  }
  for (size_t i = 0; i < schema.inputs().size(); ++i) {
    std::string gradient = "missing";
    if (op != nullptr) gradient = GradientName(op->differentiability_of(i));
    if (support.forward == OpSupport::Forward::kFunction) gradient = "body";
    support.inputs.push_back({schema.inputs()[i].GetName(), gradient});
  }
  return support;
}

}  // namespace

std::vector<OpSupport> ListOpSupport() {
  std::map<std::string, std::vector<onnx::OpSchema>> by_name;
  for (onnx::OpSchema& schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    if (schema.domain().empty()) by_name[schema.Name()].push_back(schema);
  }
  std::vector<OpSupport> table;
  for (const auto& [name, schemas] : by_name) {
    const auto newest = std::max_element(schemas.begin(), schemas.end(),
                                         [](const onnx::OpSchema& a, const onnx::OpSchema& b) {
                                           return a.SinceVersion() < b.SinceVersion();
                                         });
    if (newest->Deprecated()) continue;
    std::vector<int> versions;
    for (const onnx::OpSchema& schema : schemas) versions.push_back(schema.SinceVersion());
    table.push_back(SupportOf(*newest, std::move(versions)));
  }
  return table;
}

std::string ForwardName(OpSupport::Forward forward) {
  switch (forward) {
    case OpSupport::Forward::kKernel:
      return "yes";
    case OpSupport::Forward::kFunction:
      return "body";
    case OpSupport::Forward::kNone:
      return "no";
  }
  return "";
}

nlohmann::ordered_json ToJson(const std::vector<OpSupport>& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const OpSupport& op : table) {
    nlohmann::ordered_json inputs = nlohmann::ordered_json::array();
    for (const OpSupport::Input& input : op.inputs) {
      inputs.push_back({{"name", input.name}, {"gradient", input.gradient}});
    }
    rows.push_back({{"name", op.name},
                    {"opsets", op.versions},
                    {"forward", ForwardName(op.forward)},
                    {"inputs", inputs}});
  }
  return rows;
}

Operation OpsOperation() {
  Operation operation(kOps);
  operation.run = [](const OperationCallbacks&) { return ToJson(ListOpSupport()); };
  return operation;
}

}  // namespace strop
