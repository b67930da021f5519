#include "exporter/constant_node.h"

#include <utility>

namespace strop {

onnx::TensorProto& BecomeConstant(onnx::NodeProto& node) {
  node.set_op_type("Constant");
  node.clear_input();
  onnx::AttributeProto& value = *node.add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  return *value.mutable_t();
}

onnx::NodeProto ConstantNode(onnx::TensorProto tensor) {
  onnx::NodeProto node;
  node.set_name(tensor.name());
  node.add_output(tensor.name());
  BecomeConstant(node) = std::move(tensor);
  return node;
}

}  // namespace strop
