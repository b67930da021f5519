#include "ops/training/optimizer_step.h"

namespace strop {

using update_input::kFirstMoment;
using update_input::kGradientScale;
using update_input::kLearningRate;
using update_input::kStep;

DataType MomentType(DataType parameter) {
  return parameter == DataType::kDouble ? parameter : DataType::kFloat;
}

GradientAttributes::GradientAttributes(const Node& node)
    : weight_decay(node.attributes.Float("weight_decay", 0)),
      clip_value(node.attributes.Float("clip_value", 0)) {}

int64_t AdoptParameterLayout(const KernelRequest& request, bool keeps_zeros, Kernel& kernel) {
  const TensorDescription& parameter = request.inputs[0];
  const int64_t count = parameter.element_count();
  if (parameter.layout == nullptr || MomentType(parameter.type) != parameter.type) return count;
  if (!keeps_zeros && !parameter.layout->is_unpadded()) return count;
  kernel.input_layouts.assign(request.inputs.size(), parameter.layout);
  for (size_t i = kLearningRate; i < std::min(kFirstMoment, request.inputs.size()); ++i) {
    kernel.input_layouts[i] = nullptr;
  }
  kernel.output_layouts.assign(request.outputs.size(), parameter.layout);
  if (request.outputs.size() > update_output::kHealth) {
    kernel.output_layouts[update_output::kHealth] = nullptr;
  }
  return static_cast<int64_t>(parameter.layout->bytes() * 8) / BitsPerElement(parameter.type);
}

OptimizerStepReader::OptimizerStepReader(const KernelRequest& request, bool is_decoupled)
    : attributes_(request.node),
      is_decoupled_(is_decoupled),
      rate_type_(request.inputs[kLearningRate].type),
      scale_type_(request.has_input(kGradientScale) ? request.inputs[kGradientScale].type
                                                    : DataType::kUndefined) {}

}  // namespace strop
