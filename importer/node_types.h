#pragma once

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace onnx {
class AttributeProto;
class NodeProto;
}  // namespace onnx

namespace strop {

// Checks the element types of a node's inputs against the operator's newest ONNX schema: each is
// one that the input takes, and inputs that share a type variable agree; type rules and kernels
// count on it. InvalidArgument naming node and input otherwise.
absl::Status CheckInputTypes(const Node& node, const Graph& graph);

// Constant-28's attributes value_float, value_floats, value_int, … as a tensor.
absl::StatusOr<Tensor> TensorOfNumbers(const onnx::NodeProto& node,
                                       const onnx::AttributeProto& value);

}  // namespace strop
