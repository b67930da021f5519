#include "ops/elementwise.h"

namespace strop {

void AdoptElementwiseLayout(const KernelRequest& request, Kernel& kernel) {
  const Shape& shape = request.outputs[0].shape;
  Layout layout;
  for (const TensorDescription& input : request.inputs) {
    if (!input.is_present) continue;
    if (input.shape != shape) return;
    if (layout == nullptr) layout = input.layout;
  }
  if (layout == nullptr || !layout->is_unpadded()) return;
  kernel.input_layouts.assign(request.inputs.size(), layout);
  kernel.output_layouts.assign(request.outputs.size(), layout);
}

}  // namespace strop
