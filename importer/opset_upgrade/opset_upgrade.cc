#include "importer/opset_upgrade/opset_upgrade.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// Reduce*, Squeeze, Unsqueeze: attribute axes became input 1.
absl::Status AxesToInput(NodeUpgrade& upgrade) {
  upgrade.MoveIntsToInput("axes", 1);
  return absl::OkStatus();
}

// Clip-6: attributes min and max became scalar inputs of X's type.
absl::Status Clip6(NodeUpgrade& upgrade) {
  const DataType type = upgrade.graph().type(upgrade.node.inputs[0]).element_type;
  size_t input = 1;
  for (const char* bound : {"min", "max"}) {
    if (upgrade.node.attributes.Has(bound)) {
      const Tensor number = Tensor::Scalar(upgrade.node.attributes.Float(bound, 0));
      STROP_ASSIGN_OR_RETURN(Tensor typed, ConvertTensor(number, type));
      upgrade.SetInput(input, upgrade.Constant(bound, std::move(typed)));
      upgrade.node.attributes.Remove(bound);
    }
    ++input;
  }
  return absl::OkStatus();
}

// Dropout-7 and -10 only ever ran in inference: no training_mode input keeps it so.
absl::Status Dropout7(NodeUpgrade& upgrade) {
  const auto ratio = static_cast<float>(upgrade.node.attributes.Float("ratio", 0.5));
  upgrade.SetInput(1, upgrade.Constant("ratio", Tensor::Scalar(ratio)));
  upgrade.node.attributes.Remove("ratio");
  return absl::OkStatus();
}

// Pad-2: attributes pads and value became inputs 1 and 2.
absl::Status Pad2(NodeUpgrade& upgrade) {
  const DataType type = upgrade.graph().type(upgrade.node.inputs[0]).element_type;
  upgrade.MoveIntsToInput("pads", 1);
  const Tensor number = Tensor::Scalar(upgrade.node.attributes.Float("value", 0));
  STROP_ASSIGN_OR_RETURN(Tensor typed, ConvertTensor(number, type));
  upgrade.SetInput(2, upgrade.Constant("value", std::move(typed)));
  upgrade.node.attributes.Remove("value");
  return absl::OkStatus();
}

absl::Status Slice1(NodeUpgrade& upgrade) {
  upgrade.MoveIntsToInput("starts", 1);
  upgrade.MoveIntsToInput("ends", 2);
  upgrade.MoveIntsToInput("axes", 3);
  return absl::OkStatus();
}

// Split-2: attribute split became input 1.
absl::Status Split2(NodeUpgrade& upgrade) {
  upgrade.MoveIntsToInput("split", 1);
  return absl::OkStatus();
}

// Split-13 without sizes splits evenly; Split-18 wants the number of parts.
absl::Status Split13(NodeUpgrade& upgrade) {
  if (!upgrade.has_input(1)) {
    upgrade.node.attributes.Set("num_outputs", static_cast<int64_t>(upgrade.node.outputs.size()));
  }
  return absl::OkStatus();
}

absl::Status TopK1(NodeUpgrade& upgrade) {
  const std::vector<int64_t> k = {upgrade.node.attributes.Int("k", 0)};
  upgrade.SetInput(1, upgrade.Constant("k", Tensor::FromVector<int64_t>({1}, k)));
  upgrade.node.attributes.Remove("k");
  return absl::OkStatus();
}

absl::Status Scatter9(NodeUpgrade& upgrade) {
  upgrade.node.op_type = "ScatterElements";
  return absl::OkStatus();
}

// DFT-17: attribute axis, 1 by default, became input 2.
absl::Status Dft17(NodeUpgrade& upgrade) {
  const int64_t axis = upgrade.node.attributes.Int("axis", 1);
  upgrade.SetInput(2, upgrade.Constant("axis", Tensor::Scalar(axis)));
  upgrade.node.attributes.Remove("axis");
  return absl::OkStatus();
}

absl::Status Scan8(NodeUpgrade& upgrade) {
  return upgrade.Unsupported("Scan of opset 8 with its batch dimension",
                             "export the model with opset 9 or newer");
}

// In the order of the opsets for each operator. What is not listed means today what it always did.
constexpr UpgradeRule kRules[] = {
    {"BatchNormalization", 9, BatchNormalization7},
    {"BatchNormalization", 14, BatchNormalization9},
    {"Clip", 11, Clip6},
    {"DFT", 20, Dft17},
    {"Dropout", 12, Dropout7},
    {"GridSample", 20, GridSample16},
    {"GroupNormalization", 21, GroupNormalization18},
    {"Hardmax", 13, CoerceToMatrix},
    {"LogSoftmax", 13, CoerceToMatrix},
    {"Pad", 11, Pad2},
    {"ReduceL1", 18, AxesToInput},
    {"ReduceL2", 18, AxesToInput},
    {"ReduceLogSum", 18, AxesToInput},
    {"ReduceLogSumExp", 18, AxesToInput},
    {"ReduceMax", 18, AxesToInput},
    {"ReduceMean", 18, AxesToInput},
    {"ReduceMin", 18, AxesToInput},
    {"ReduceProd", 18, AxesToInput},
    {"ReduceSum", 13, AxesToInput},
    {"ReduceSumSquare", 18, AxesToInput},
    {"Resize", 11, Resize10},
    {"Resize", 13, Resize11},
    {"RoiAlign", 16, RoiAlign10},
    {"Scan", 9, Scan8},
    {"Scatter", 11, Scatter9},
    {"Slice", 10, Slice1},
    {"Softmax", 13, CoerceToMatrix},
    {"Split", 13, Split2},
    {"Split", 18, Split13},
    {"Squeeze", 13, AxesToInput},
    {"TopK", 10, TopK1},
    {"Unsqueeze", 13, AxesToInput},
    {"Upsample", 9, UpsampleAttributeToInput},
    {"Upsample", 10, UpsampleToResize},
};

}  // namespace

const Tensor* NodeUpgrade::constant_input(size_t index) const {
  if (!has_input(index)) return nullptr;
  const Value& value = graph_.value(node.inputs[index]);
  return value.kind == ValueKind::kConstant ? &value.tensor : nullptr;
}

ValueId NodeUpgrade::Constant(std::string_view role, Tensor tensor) {
  return graph_.AddConstant(absl::StrCat(node.name, "/", std::string(role)), std::move(tensor));
}

void NodeUpgrade::SetInput(size_t index, ValueId value) {
  if (node.inputs.size() <= index) node.inputs.resize(index + 1, kNoValue);
  node.inputs[index] = value;
}

absl::StatusOr<ValueId> NodeUpgrade::Emit(std::string_view op_type, std::string_view role,
                                          std::vector<ValueId> inputs, Attributes attributes) {
  Node added;
  added.name = absl::StrCat(node.name, "/", std::string(role));
  added.op_type = std::string(op_type);
  added.attributes = std::move(attributes);
  added.inputs = std::move(inputs);
  const ValueId output = graph_.AddValue(added.name, TensorType());
  added.outputs = {output};
  STROP_RETURN_IF_ERROR(append_(std::move(added)));
  return output;
}

void NodeUpgrade::MoveIntsToInput(std::string_view attribute, size_t input) {
  if (!node.attributes.Has(attribute)) return;
  const std::vector<int64_t> numbers = node.attributes.Ints(attribute);
  const auto count = static_cast<int64_t>(numbers.size());
  SetInput(input, Constant(attribute, Tensor::FromVector<int64_t>({count}, numbers)));
  node.attributes.Remove(attribute);
}

absl::Status NodeUpgrade::Unsupported(const std::string& found, const std::string& instead) const {
  return absl::UnimplementedError(
      absl::StrCat("node ", NodeLabel(node), ": found ", found, "; ", instead));
}

bool HasUpgrade(const std::string& op_type, int64_t opset) {
  for (const UpgradeRule& rule : kRules) {
    if (rule.op_type == op_type && opset < rule.changed_in) return true;
  }
  return false;
}

absl::Status UpgradeNode(NodeUpgrade& upgrade, int64_t opset) {
  for (const UpgradeRule& rule : kRules) {
    if (rule.op_type != upgrade.node.op_type || opset >= rule.changed_in) continue;
    STROP_RETURN_IF_ERROR(rule.adapt(upgrade));
  }
  return absl::OkStatus();
}

}  // namespace strop
