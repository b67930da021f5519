// Resampling operators of old opsets in the words of the newest.

#include "graph/status_macros.h"
#include "importer/opset_upgrade/opset_upgrade.h"

namespace strop {
namespace {

// An input of no elements says "absent" in opsets that could not leave it out.
void DropIfEmpty(NodeUpgrade& upgrade, size_t input) {
  const Tensor* constant = upgrade.constant_input(input);
  if (constant != nullptr && constant->element_count() == 0) upgrade.node.inputs[input] = kNoValue;
}

void DropTrailingAbsentInputs(Node& node) {
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
}

}  // namespace

// Upsample-7: attribute scales became input 1.
absl::Status UpsampleAttributeToInput(NodeUpgrade& upgrade) {
  const std::vector<double> numbers = upgrade.node.attributes.Floats("scales");
  const std::vector<float> scales(numbers.begin(), numbers.end());
  const auto count = static_cast<int64_t>(scales.size());
  upgrade.SetInput(1, upgrade.Constant("scales", Tensor::FromVector<float>({count}, scales)));
  upgrade.node.attributes.Remove("scales");
  return absl::OkStatus();
}

// Upsample-9 and Resize-10 map output i to input i / scale, rounded down for "nearest".
absl::Status Resize10(NodeUpgrade& upgrade) {
  const ValueId scales = upgrade.node.inputs[1];
  upgrade.node.inputs = {upgrade.node.inputs[0], kNoValue, scales};
  upgrade.node.attributes.Set("coordinate_transformation_mode", std::string("asymmetric"));
  upgrade.node.attributes.Set("nearest_mode", std::string("floor"));
  return absl::OkStatus();
}

absl::Status UpsampleToResize(NodeUpgrade& upgrade) {
  upgrade.node.op_type = "Resize";
  return Resize10(upgrade);
}

// Resize-11 marks an unused roi or scales by an empty tensor.
absl::Status Resize11(NodeUpgrade& upgrade) {
  Attributes& attributes = upgrade.node.attributes;
  if (attributes.String("coordinate_transformation_mode", "") == "tf_half_pixel_for_nn") {
    return upgrade.Unsupported("coordinate_transformation_mode tf_half_pixel_for_nn",
                               "export the model with opset 13 or newer");
  }
  for (size_t input = 1; input < upgrade.node.inputs.size(); ++input) DropIfEmpty(upgrade, input);
  if (upgrade.has_input(2) && upgrade.has_input(3)) upgrade.node.inputs[2] = kNoValue;
  DropTrailingAbsentInputs(upgrade.node);
  return absl::OkStatus();
}

absl::Status GridSample16(NodeUpgrade& upgrade) {
  const std::string mode = upgrade.node.attributes.String("mode", "bilinear");
  if (mode == "bilinear") upgrade.node.attributes.Set("mode", std::string("linear"));
  if (mode == "bicubic") upgrade.node.attributes.Set("mode", std::string("cubic"));
  return absl::OkStatus();
}

// RoiAlign-10 samples at what RoiAlign-16 calls output_half_pixel.
absl::Status RoiAlign10(NodeUpgrade& upgrade) {
  upgrade.node.attributes.Set("coordinate_transformation_mode", std::string("output_half_pixel"));
  return absl::OkStatus();
}

}  // namespace strop
