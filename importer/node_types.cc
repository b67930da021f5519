#include "importer/node_types.h"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "importer/node_order.h"

namespace strop {

namespace {

using Parameter = onnx::OpSchema::FormalParameter;

// As schemas name a tensor's type.
std::string SchemaName(DataType type) {
  if (type == DataType::kFloat) return "tensor(float)";
  if (type == DataType::kDouble) return "tensor(double)";
  return absl::StrCat("tensor(", std::string(DataTypeName(type)), ")");
}

bool Lists(const Parameter& parameter, DataType type) {
  const std::string name = SchemaName(type);
  const auto is_named = [&](const std::string* listed) { return *listed == name; };
  return std::any_of(parameter.GetTypes().begin(), parameter.GetTypes().end(), is_named);
}

// A floating type may be one that import has widened.
bool Takes(const Parameter& parameter, DataType type) {
  if (Lists(parameter, type)) return true;
  constexpr DataType kFloating[] = {DataType::kFloat, DataType::kDouble, DataType::kFloat16,
                                    DataType::kBFloat16};
  return IsFloating(type) &&
         std::any_of(std::begin(kFloating), std::end(kFloating),
                     [&](DataType floating) { return Lists(parameter, floating); });
}

std::string TypesOf(const Parameter& parameter) {
  std::vector<std::string> names;
  for (int i = 1; i <= static_cast<int>(DataType::kInt2); ++i) {
    const auto type = static_cast<DataType>(i);
    if (Lists(parameter, type)) names.emplace_back(DataTypeName(type));
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace

absl::Status CheckInputTypes(const Node& node, const Graph& graph) {
  const onnx::OpSchema* schema = onnx::OpSchemaRegistry::Schema(node.op_type, node.domain);
  if (schema == nullptr || schema->inputs().empty()) return absl::OkStatus();
  const auto& formal = schema->inputs();
  std::map<std::string, size_t> first_of_variable;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    const auto& parameter = formal[std::min(i, formal.size() - 1)];
    if (i >= formal.size() && parameter.GetOption() != onnx::OpSchema::Variadic) break;
    if (!parameter.GetIsHomogeneous()) continue;
    const DataType found = graph.type(node.inputs[i]).element_type;
    if (found != DataType::kUndefined && !Takes(parameter, found)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "node ", NodeLabel(node), ": input ", i, " (\"", graph.value(node.inputs[i]).name,
          "\") is ", std::string(DataTypeName(found)), ", expected ", TypesOf(parameter),
          ", as ONNX says; export the model again"));
    }
    const auto [first, is_new] = first_of_variable.emplace(parameter.GetTypeStr(), i);
    const DataType expected = graph.type(node.inputs[first->second]).element_type;
    if (is_new || found == expected) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("node ", NodeLabel(node), ": input ", i, " (\"",
                     graph.value(node.inputs[i]).name, "\") is ", std::string(DataTypeName(found)),
                     ", expected ", std::string(DataTypeName(expected)), " like input ",
                     first->second, "; export the model again"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> TensorOfNumbers(const onnx::NodeProto& node,
                                       const onnx::AttributeProto& value) {
  using onnx::AttributeProto;
  switch (value.type()) {
    case AttributeProto::FLOAT:
      return Tensor::Scalar(value.f());
    case AttributeProto::INT:
      return Tensor::Scalar(static_cast<int64_t>(value.i()));
    case AttributeProto::STRING:
      return Tensor::FromStrings({}, {value.s()});
    case AttributeProto::FLOATS:
      return Tensor::FromVector<float>({value.floats_size()},
                                       {value.floats().begin(), value.floats().end()});
    case AttributeProto::INTS:
      return Tensor::FromVector<int64_t>({value.ints_size()},
                                         {value.ints().begin(), value.ints().end()});
    case AttributeProto::STRINGS:
      return Tensor::FromStrings({value.strings_size()},
                                 {value.strings().begin(), value.strings().end()});
    default:
      return absl::UnimplementedError(absl::StrCat("node ", NodeProtoLabel(node),
                                                   " holds a sparse tensor, expected a dense "
                                                   "one; store it densely"));
  }
}

}  // namespace strop
