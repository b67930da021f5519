#include "ops/kernels/elementwise.h"

#include "absl/strings/str_cat.h"

namespace strop {

absl::Status MatchingElementTypes(ElementTypeContext& context) {
  const DataType expected = context.input(0);
  for (size_t i = 1; i < context.node().inputs.size(); ++i) {
    const DataType found = context.input(i);
    if (found == expected || context.node().inputs[i] == kNoValue) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        NodeLabel(context.node()), ": input ", i, " is ", std::string(DataTypeName(found)),
        ", expected the type of input 0, ", std::string(DataTypeName(expected))));
  }
  context.set_all_outputs(expected);
  return absl::OkStatus();
}

absl::Status NeedsNumbers(const Node& node) {
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found bool, expected numbers"));
}

absl::Status MatchingNumbers(ElementTypeContext& context) {
  if (context.input(0) == DataType::kBool) return NeedsNumbers(context.node());
  return MatchingElementTypes(context);
}

absl::Status GradientFromInput(GradientContext& context) {
  const Node& node = context.node();
  context.SetInputGradient(
      0, context.EmitStrop(node.op_type + "Gradient",
                           {context.output_gradient(0), context.input(0)}, node.attributes));
  return absl::OkStatus();
}

absl::Status GradientFromOutput(GradientContext& context) {
  const Node& node = context.node();
  context.SetInputGradient(
      0, context.EmitStrop(node.op_type + "Gradient",
                           {context.output_gradient(0), context.output(0)}, node.attributes));
  return absl::OkStatus();
}

OpDefinition Watched(OpDefinition definition, OutputWatch watch) {
  definition.watch = watch;
  return definition;
}

OpDefinition UnaryDefinition(std::string_view name, int since_version,
                             absl::Status (*gradient)(GradientContext&),
                             std::vector<KernelFactory> kernels) {
  return {.name = name,
          .since_version = since_version,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = gradient,
          .kernels = std::move(kernels),
          .in_place = {{0, 0}}};
}

OpDefinition UnaryGradientDefinition(std::string_view name, std::vector<KernelFactory> kernels) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .element_types = MatchingElementTypes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = std::move(kernels),
          .in_place = {{0, 0}, {1, 0}}};
}

void AdoptElementwiseLayout(const KernelRequest& request, Kernel& kernel) {
  const TensorDescription& output = request.outputs[0];
  Layout layout;
  for (const TensorDescription& input : request.inputs) {
    if (!input.is_present || input.element_count() == 1) continue;
    if (input.shape != output.shape || input.type != output.type) return;
    if (layout == nullptr) layout = input.layout;
  }
  if (layout == nullptr || !layout->is_unpadded()) return;
  kernel.output_layouts.assign(request.outputs.size(), layout);
  for (const TensorDescription& input : request.inputs) {
    kernel.input_layouts.push_back(input.element_count() == 1 ? nullptr : layout);
  }
}

}  // namespace strop
