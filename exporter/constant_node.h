#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>

namespace strop {

// The IR version from which initializers need not be inputs; in an older file a new constant has to
// be a Constant node.
inline constexpr int64_t kFreeInitializers = 4;

// Makes `node` a Constant, whatever it read before, and returns its tensor, still to be filled.
onnx::TensorProto& BecomeConstant(onnx::NodeProto& node);

// The Constant node that stands for an initializer: named as the tensor, whose value it gives.
onnx::NodeProto ConstantNode(onnx::TensorProto tensor);

}  // namespace strop
