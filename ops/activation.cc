// Activations: functions of one tensor, element by element.
//
//   Relu-14        y = max(x, 0)                 dx = y > 0 ? dy : 0
//   LeakyRelu-16   y = x < 0 ? alpha·x : x       dx = x < 0 ? alpha·dy : dy
//
// At a kink the gradient is the one PyTorch takes. Gradient operators take (dY, X), or (dY, Y)
// where the derivative follows from the result, so that the input need not be kept.

#include "ops/elementwise.h"
#include "ops/families.h"

namespace strop {
namespace {

// ---- Attributes

struct LeakyReluAttributes {
  double alpha;  // slope below zero
  explicit LeakyReluAttributes(const Node& node) : alpha(node.attributes.Float("alpha", 0.01)) {}
};

// ---- Gradient rules

// dX = <Op>Gradient(dY, X), with the node's own attributes.
absl::Status GradientFromInput(GradientContext& context) {
  const Node& node = context.node();
  context.SetInputGradient(
      0, context.EmitStrop(node.op_type + "Gradient",
                           {context.output_gradient(0), context.input(0)}, node.attributes));
  return absl::OkStatus();
}

// dX = <Op>Gradient(dY, Y).
absl::Status GradientFromOutput(GradientContext& context) {
  const Node& node = context.node();
  context.SetInputGradient(
      0, context.EmitStrop(node.op_type + "Gradient",
                           {context.output_gradient(0), context.output(0)}, node.attributes));
  return absl::OkStatus();
}

// ---- Kernels

absl::StatusOr<std::unique_ptr<Kernel>> ReluGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node&) {
    return [](auto x) { return x < 0 ? decltype(x){0} : x; };  // NaN stays NaN
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ReluGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node&) {
    return [](auto dy, auto y) { return y > 0 ? dy : decltype(dy){0}; };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> LeakyReluGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node& node) {
    return [attributes = LeakyReluAttributes(node)](auto x) {
      return x < 0 ? static_cast<decltype(x)>(attributes.alpha) * x : x;
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> LeakyReluGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = LeakyReluAttributes(node)](auto dy, auto x) {
      return x > 0 ? dy : static_cast<decltype(dy)>(attributes.alpha) * dy;
    };
  });
}

// ---- Definitions

OpDefinition Activation(std::string_view name, int since_version,
                        absl::Status (*gradient)(GradientContext&), KernelFactory generic) {
  return {.name = name,
          .since_version = since_version,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = gradient,
          .kernels = {generic},
          .in_place = {{0, 0}}};
}

OpDefinition ActivationGradient(std::string_view name, KernelFactory generic) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {generic},
          .in_place = {{0, 0}, {1, 0}}};
}

}  // namespace

const OpFamily kActivation = {"activation",
                              {
                                  Activation("Relu", 14, GradientFromOutput, ReluGeneric),
                                  ActivationGradient("ReluGradient", ReluGradientGeneric),
                                  Activation("LeakyRelu", 16, GradientFromInput, LeakyReluGeneric),
                                  ActivationGradient("LeakyReluGradient", LeakyReluGradientGeneric),
                              }};

}  // namespace strop
