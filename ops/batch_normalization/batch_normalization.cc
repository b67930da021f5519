// BatchNormalization-15 over X[N,C,…]; m and v hold one number per channel; a channel has
// M elements.
//
//   x̂ = (X − m)/√(v + epsilon),  Y = scale·x̂ + B
//   training_mode 0: m and v are the inputs input_mean and input_var
//     dX = scale·dY/√(v + epsilon),  dscale = Σ dY·x̂,  dB = Σ dY
//     dm = −scale·dB/√(v + epsilon),  dv = −scale·dscale/(2(v + epsilon))
//   training_mode 1: m and v are the batch's own, v the population variance
//     running_mean = momentum·input_mean + (1 − momentum)·m, and the same with v
//     dX = scale/√(v + epsilon)·(dY − dB/M − x̂·dscale/M) + what flows back through the running
//     statistics: (1 − momentum)/M·(drunning_mean + 2(X − m)·drunning_var)
//     dinput_mean = momentum·drunning_mean, dinput_var = momentum·drunning_var
//
// Outputs 3 and 4, beyond ONNX's, are m and v.

#include "ops/batch_normalization/batch_normalization.h"

#include "ops/core/family.h"
#include "ops/core/op_definition.h"

namespace strop {
namespace {

using Operands = BatchNormalizationGradientOperands;

// ---- Attributes

absl::Status CheckAttributes(const Node& node) {
  const bool has_running = node.outputs.size() > 1 && node.outputs[1] != kNoValue;
  if (BatchNormalizationAttributes(node).training || !has_running) return absl::OkStatus();
  return absl::InvalidArgumentError(
      NodeLabel(node) + ": found running statistics among the outputs with training_mode 0, " +
      "expected Y alone");
}

// ---- Type rules

DataType StatisticsType(DataType x) {
  return x == DataType::kDouble ? DataType::kDouble : DataType::kFloat;
}

absl::Status ElementTypes(ElementTypeContext& context) {
  context.set_output(0, context.input(0));
  context.set_output(1, context.input(3));
  context.set_output(2, context.input(4));
  context.set_output(3, StatisticsType(context.input(0)));
  context.set_output(4, StatisticsType(context.input(0)));
  return absl::OkStatus();
}

absl::Status Shapes(ShapeContext& context) {
  const Shape& x = context.input(0);
  if (x.empty()) return context.Mismatch("a scalar X", "[N,C,…]");
  const Shape statistics = {x.size() == 1 ? 1 : x[1]};
  for (size_t i = 1; i < 5; ++i) {
    if (context.input(i) != statistics) {
      return context.Mismatch(ShapeName(context.input(i)) + " for an operand of X " + ShapeName(x),
                              ShapeName(statistics));
    }
  }
  context.set_output(0, x);
  for (size_t i = 1; i < 5; ++i) context.set_output(i, statistics);
  return absl::OkStatus();
}

// The gradients take the types of what they are gradients to.
absl::Status GradientElementTypes(ElementTypeContext& context) {
  context.set_output(Operands::kDx, context.input(Operands::kX));
  context.set_output(Operands::kDScale, context.input(Operands::kScale));
  context.set_output(Operands::kDBias, context.input(Operands::kScale));
  context.set_output(Operands::kDMean, context.input(Operands::kMean));
  context.set_output(Operands::kDVariance, context.input(Operands::kMean));
  return absl::OkStatus();
}

absl::Status GradientShapes(ShapeContext& context) {
  context.set_output(Operands::kDx, context.input(Operands::kX));
  for (size_t i = Operands::kDScale; i < Operands::kOutputCount; ++i) {
    context.set_output(i, context.input(Operands::kScale));
  }
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status Gradient(GradientContext& context) {
  const BatchNormalizationAttributes attributes(context.node());
  const ValueId scale = context.input(1);
  const ValueId dy = context.output_gradient(0);
  const bool has_running_gradient =
      context.output_gradient(1) != kNoValue || context.output_gradient(2) != kNoValue;
  const bool wants_parameters = context.needs_gradient(1) || context.needs_gradient(2) ||
                                context.needs_gradient(3) || context.needs_gradient(4);
  if (!attributes.training && !wants_parameters) {
    context.SetInputGradient(
        0, context.EmitStrop("BatchNormalizationInputGradient", {dy, scale, context.input(4)},
                             context.node().attributes));
    return absl::OkStatus();
  }
  std::vector<ValueId> inputs = {context.input(0), scale,
                                 attributes.training ? context.output(3) : context.input(3),
                                 attributes.training ? context.output(4) : context.input(4), dy};
  if (has_running_gradient) {
    inputs.push_back(context.output_gradient(1));
    inputs.push_back(context.output_gradient(2));
  }
  const std::vector<ValueId> gradients =
      context.EmitIn(kStropDomain, "BatchNormalizationGradient", std::move(inputs),
                     context.node().attributes, Operands::kOutputCount);
  for (size_t i = 0; i < Operands::kOutputCount; ++i) {
    if (context.needs_gradient(i)) context.SetInputGradient(i, gradients[i]);
  }
  return absl::OkStatus();
}

// ---- Definitions

OpDefinition BatchNormalization() {
  return {.name = "BatchNormalization",
          .since_version = 15,
          .minimum_inputs = 5,
          .maximum_inputs = 5,
          .maximum_outputs = 5,
          .check_attributes = CheckAttributes,
          .element_types = ElementTypes,
          .shapes = Shapes,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = Gradient,
          .kernels = {BatchNormalizationKernel},
          .in_place = {{0, 0}},
          .roles = {{1, "scale"},
                    {2, "bias"},
                    {3, "running mean", ConstantUse::kStatistics},
                    {4, "running variance", ConstantUse::kStatistics}},
          .output_units = UnitAxis::kOne,
          .watch = OutputWatch(),
          .training_behavior = TrainingBehavior::kBatchStatistics};
}

OpDefinition BatchNormalizationGradient() {
  return {.name = "BatchNormalizationGradient",
          .domain = kStropDomain,
          .minimum_inputs = Operands::kDy,
          .maximum_inputs = Operands::kInputCount,
          .minimum_outputs = 0,
          .maximum_outputs = Operands::kOutputCount,
          .element_types = GradientElementTypes,
          .shapes = GradientShapes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {BatchNormalizationGradientKernel},
          .in_place = {{Operands::kDy, Operands::kDx}}};
}

OpDefinition BatchNormalizationInputGradient() {
  return {.name = "BatchNormalizationInputGradient",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {BatchNormalizationInputGradientKernel},
          .in_place = {{0, 0}}};
}

}  // namespace

const RegisteredFamily kBatchNormalization = {"batch_normalization",
                                              {
                                                  BatchNormalization(),
                                                  BatchNormalizationGradient(),
                                                  BatchNormalizationInputGradient(),
                                              }};

}  // namespace strop
