#include "importer/node_types.h"

#include <onnx/defs/schema.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "importer/node_order.h"

namespace strop {

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
    const auto [first, is_new] = first_of_variable.emplace(parameter.GetTypeStr(), i);
    const DataType expected = graph.type(node.inputs[first->second]).element_type;
    const DataType found = graph.type(node.inputs[i]).element_type;
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
