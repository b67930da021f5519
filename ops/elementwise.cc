#include "ops/elementwise.h"

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

void AdoptElementwiseLayout(const KernelRequest& request, Kernel& kernel) {
  const Shape& shape = request.outputs[0].shape;
  Layout layout;
  for (const TensorDescription& input : request.inputs) {
    if (!input.is_present || input.element_count() == 1) continue;
    if (input.shape != shape) return;
    if (layout == nullptr) layout = input.layout;
  }
  if (layout == nullptr || !layout->is_unpadded()) return;
  kernel.output_layouts.assign(request.outputs.size(), layout);
  for (const TensorDescription& input : request.inputs) {
    kernel.input_layouts.push_back(input.element_count() == 1 ? nullptr : layout);
  }
}

}  // namespace strop
