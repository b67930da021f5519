#include "ops/core/registry.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/core/family.h"

namespace strop {
namespace {

// In whatever order the linker laid the files.
std::vector<const OpFamily*>& Registered() {
  static auto* const families = new std::vector<const OpFamily*>;
  return *families;
}

using OpKey = std::pair<std::string_view, std::string_view>;

const std::map<OpKey, const OpDefinition*>& Index() {
  static const auto* const index = [] {
    auto* map = new std::map<OpKey, const OpDefinition*>;
    for (const OpFamily* family : OpFamilies()) {
      for (const OpDefinition& op : family->definitions) (*map)[{op.domain, op.name}] = &op;
    }
    return map;
  }();
  return *index;
}

absl::Status CheckCounts(const OpDefinition& op, const Node& node) {
  const int inputs = static_cast<int>(node.inputs.size());
  const int outputs = static_cast<int>(node.outputs.size());
  if (inputs < op.minimum_inputs || inputs > op.maximum_inputs || outputs < op.minimum_outputs ||
      outputs > op.maximum_outputs) {
    return absl::InvalidArgumentError(absl::StrCat("node ", NodeLabel(node), " has ", inputs,
                                                   " inputs and ", outputs,
                                                   " outputs, which the operator does not allow"));
  }
  for (int i = 0; i < op.minimum_inputs; ++i) {
    if (node.inputs[static_cast<size_t>(i)] == kNoValue) {
      return absl::InvalidArgumentError(
          absl::StrCat("node ", NodeLabel(node), " leaves out input ", i, ", which is required"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

RegisteredFamily::RegisteredFamily(std::string_view family, std::vector<OpDefinition> operators)
    : OpFamily{family, std::move(operators)} {
  Registered().push_back(this);
}

absl::Span<const OpFamily* const> OpFamilies() {
  static const auto* const sorted = [] {
    auto* families = new std::vector<const OpFamily*>(Registered());
    std::sort(families->begin(), families->end(),
              [](const OpFamily* a, const OpFamily* b) { return a->name < b->name; });
    return families;
  }();
  return *sorted;
}

Differentiability OpDefinition::differentiability_of(size_t input) const {
  return differentiability[std::min(input, differentiability.size() - 1)];
}

const InputRole* OpDefinition::role_of(size_t input) const {
  const auto found = std::find_if(roles.begin(), roles.end(),
                                  [&](const InputRole& role) { return role.input == input; });
  return found == roles.end() ? nullptr : &*found;
}

bool OpDefinition::is_layer() const {
  return std::any_of(roles.begin(), roles.end(),
                     [](const InputRole& role) { return role.use == ConstantUse::kTrained; });
}

InputUse OpDefinition::use_of(size_t input) const {
  return input_use[std::min(input, input_use.size() - 1)];
}

const OpDefinition* FindOp(std::string_view domain, std::string_view op_type) {
  if (domain == "ai.onnx") domain = "";
  const auto found = Index().find({domain, op_type});
  return found == Index().end() ? nullptr : found->second;
}

absl::StatusOr<const OpDefinition*> DefinitionOf(const Node& node) {
  const OpDefinition* op = FindOp(node.domain, node.op_type);
  if (op == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("node ", NodeLabel(node), ": the operator is not supported"));
  }
  return op;
}

const OpDefinition& FactsOf(const Node& node) {
  static const auto* const unknown = new OpDefinition;
  const OpDefinition* op = FindOp(node.domain, node.op_type);
  return op == nullptr ? *unknown : *op;
}

absl::Status InferElementTypes(Graph& graph, const Node& node) {
  STROP_ASSIGN_OR_RETURN(const OpDefinition* op, DefinitionOf(node));
  STROP_RETURN_IF_ERROR(CheckCounts(*op, node));
  if (op->check_attributes != nullptr) STROP_RETURN_IF_ERROR(op->check_attributes(node));
  std::vector<DataType> inputs;
  for (const ValueId input : node.inputs) {
    inputs.push_back(input == kNoValue ? DataType::kUndefined : graph.type(input).element_type);
  }
  ElementTypeContext context(node, std::move(inputs));
  STROP_RETURN_IF_ERROR(op->element_types(context));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue) {
      graph.value(node.outputs[i]).type.element_type = context.outputs()[i];
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ValueId>> AppendNode(Graph& graph, Node node, size_t output_count) {
  node.outputs.clear();
  for (size_t i = 0; i < output_count; ++i) {
    const std::string suffix = i == 0 ? "" : absl::StrCat(":", i);
    node.outputs.push_back(graph.AddValue(node.name + suffix, TensorType()));
  }
  STROP_RETURN_IF_ERROR(InferElementTypes(graph, node));
  std::vector<ValueId> outputs = node.outputs;
  graph.nodes.push_back(std::move(node));
  return outputs;
}

}  // namespace strop
