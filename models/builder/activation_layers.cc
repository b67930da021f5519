// Activations at any opset: one operator where ONNX has it by then, else its definition.

#include <cmath>

#include "models/builder/layers.h"

namespace strop {
namespace {

NetworkValue Unary(NetworkBuilder& builder, const std::string& name, std::string_view op_type,
                   const NetworkValue& x, const std::vector<NodeAttribute>& attributes = {}) {
  return builder.Node(name, op_type, {x}, x.shape, attributes);
}

// x·½·(1 + erf(x/√2))
NetworkValue Gelu(NetworkBuilder& builder, const std::string& name, const NetworkValue& x) {
  if (builder.opset() >= 20) return Unary(builder, name, "Gelu", x);
  const NetworkValue root = builder.FloatScalar(std::sqrt(2.0f));
  const NetworkValue scaled = builder.Node(name + "/Div", "Div", {x, root}, x.shape);
  const NetworkValue erf = Unary(builder, name + "/Erf", "Erf", scaled);
  const NetworkValue sum = Add(builder, name + "/Add", erf, builder.FloatScalar(1));
  const NetworkValue product = Multiply(builder, name + "/Mul", x, sum);
  return Multiply(builder, name, product, builder.FloatScalar(0.5f));
}

// ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
NetworkValue GeluTanh(NetworkBuilder& builder, const std::string& name, const NetworkValue& x) {
  if (builder.opset() >= 20) {
    return Unary(builder, name, "Gelu", x, {{"approximate", std::string_view("tanh")}});
  }
  constexpr float kRootOfTwoOverPi = 0.7978845608f;
  const NetworkValue cube =
      builder.Node(name + "/Pow", "Pow", {x, builder.FloatScalar(3)}, x.shape);
  const NetworkValue bend = Multiply(builder, name + "/bend", cube, builder.FloatScalar(0.044715f));
  const NetworkValue inner = Add(builder, name + "/inner", x, bend);
  const NetworkValue scaled =
      Multiply(builder, name + "/scaled", inner, builder.FloatScalar(kRootOfTwoOverPi));
  const NetworkValue tanh = Unary(builder, name + "/Tanh", "Tanh", scaled);
  const NetworkValue sum = Add(builder, name + "/Add", tanh, builder.FloatScalar(1));
  const NetworkValue half = Multiply(builder, name + "/half", x, builder.FloatScalar(0.5f));
  return Multiply(builder, name, half, sum);
}

NetworkValue HardSigmoid(NetworkBuilder& builder, const std::string& name, const NetworkValue& x) {
  return Unary(builder, name, "HardSigmoid", x, {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
}

NetworkValue Gated(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                   const NetworkValue& gate) {
  return Multiply(builder, name, x, gate);
}

NetworkValue Mish(NetworkBuilder& builder, const std::string& name, const NetworkValue& x) {
  if (builder.opset() >= 18) return Unary(builder, name, "Mish", x);
  const NetworkValue softplus = Unary(builder, name + "/Softplus", "Softplus", x);
  return Gated(builder, name, x, Unary(builder, name + "/Tanh", "Tanh", softplus));
}

}  // namespace

NetworkValue Activate(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                      Activation activation) {
  switch (activation) {
    case Activation::kIdentity:
      return x;
    case Activation::kSigmoid:
      return Unary(builder, name, "Sigmoid", x);
    case Activation::kTanh:
      return Unary(builder, name, "Tanh", x);
    case Activation::kRelu:
      return Unary(builder, name, "Relu", x);
    case Activation::kLeakyRelu:
      return Unary(builder, name, "LeakyRelu", x, {{"alpha", 0.01f}});
    case Activation::kElu:
      return Unary(builder, name, "Elu", x);
    case Activation::kSelu:
      return Unary(builder, name, "Selu", x);
    case Activation::kGelu:
      return Gelu(builder, name, x);
    case Activation::kGeluTanh:
      return GeluTanh(builder, name, x);
    case Activation::kSilu:
      return Gated(builder, name, x, Unary(builder, name + "/Sigmoid", "Sigmoid", x));
    case Activation::kMish:
      return Mish(builder, name, x);
    case Activation::kHardSwish:
      if (builder.opset() >= 14) return Unary(builder, name, "HardSwish", x);
      return Gated(builder, name, x, HardSigmoid(builder, name + "/HardSigmoid", x));
    case Activation::kHardSigmoid:
      return HardSigmoid(builder, name, x);
    case Activation::kRelu6:
      return builder.Node(name, "Clip", {x, builder.FloatScalar(0), builder.FloatScalar(6)},
                          x.shape);
    case Activation::kSoftplus:
      return Unary(builder, name, "Softplus", x);
  }
  return x;
}

}  // namespace strop
