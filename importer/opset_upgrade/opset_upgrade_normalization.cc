// Softmax and normalization operators of old opsets in the words of the newest.

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/opset_upgrade/opset_upgrade.h"

namespace strop {

// Softmax-11, LogSoftmax-11, Hardmax-11: X is taken as a matrix [∏ dims before axis, ∏ dims from
// axis on] and normalized along its rows. That is one axis of X if it is the last.
absl::Status CoerceToMatrix(NodeUpgrade& upgrade) {
  const int64_t axis = upgrade.node.attributes.Int("axis", 1);
  const ValueId x = upgrade.node.inputs[0];
  const std::optional<Shape>& shape = upgrade.graph().type(x).shape;
  upgrade.node.attributes.Set("axis", int64_t{-1});
  if (axis == -1 || (shape && axis == static_cast<int64_t>(shape->size()) - 1)) {
    return absl::OkStatus();
  }
  STROP_ASSIGN_OR_RETURN(const ValueId dimensions, upgrade.Emit("Shape", "shape", {x}));
  STROP_ASSIGN_OR_RETURN(const ValueId matrix,
                         upgrade.Emit("Flatten", "matrix", {x}, {{"axis", axis}}));
  STROP_ASSIGN_OR_RETURN(const ValueId rows, upgrade.Emit(upgrade.node.op_type, "rows", {matrix},
                                                          {{"axis", int64_t{-1}}}));
  upgrade.node.op_type = "Reshape";
  upgrade.node.attributes = {};
  upgrade.node.inputs = {rows, dimensions};
  return absl::OkStatus();
}

// BatchNormalization-7: spatial = 0 keeps statistics per activation; nothing exports it.
absl::Status BatchNormalization7(NodeUpgrade& upgrade) {
  if (upgrade.node.attributes.Int("spatial", 1) != 1) {
    return upgrade.Unsupported("spatial = 0", "export the model with opset 9 or newer");
  }
  upgrade.node.attributes.Remove("spatial");
  return absl::OkStatus();
}

// BatchNormalization-9 trains when it has more outputs than Y; the last two were scratch.
absl::Status BatchNormalization9(NodeUpgrade& upgrade) {
  if (upgrade.node.outputs.size() == 1) return absl::OkStatus();
  upgrade.node.attributes.Set("training_mode", int64_t{1});
  if (upgrade.node.outputs.size() > 3) upgrade.node.outputs.resize(3);
  return absl::OkStatus();
}

// GroupNormalization-18 has a scale and a bias a group [G], -21 one per channel [C]:
// repeat each C/G times.
absl::Status GroupNormalization18(NodeUpgrade& upgrade) {
  const int64_t groups = upgrade.node.attributes.Int("num_groups", 0);
  if (groups <= 0) {
    return upgrade.Unsupported(absl::StrCat("num_groups = ", groups), "it must be positive");
  }
  const auto integers = [&](std::string_view role, const std::vector<int64_t>& numbers) {
    const auto count = static_cast<int64_t>(numbers.size());
    return upgrade.Constant(role, Tensor::FromVector<int64_t>({count}, numbers));
  };
  STROP_ASSIGN_OR_RETURN(const ValueId channels,
                         upgrade.Emit("Shape", "channels", {upgrade.node.inputs[0]},
                                      {{"start", int64_t{1}}, {"end", int64_t{2}}}));
  const ValueId group_count = integers("groups", {groups});
  STROP_ASSIGN_OR_RETURN(const ValueId group_size,
                         upgrade.Emit("Div", "group_size", {channels, group_count}));
  STROP_ASSIGN_OR_RETURN(
      const ValueId table_shape,
      upgrade.Emit("Concat", "table_shape", {group_count, group_size}, {{"axis", int64_t{0}}}));
  const ValueId column = integers("column", {groups, 1});
  const ValueId vector = integers("vector", {-1});
  for (const auto& [input, role] : {std::pair<size_t, std::string>{1, "scale"}, {2, "bias"}}) {
    STROP_ASSIGN_OR_RETURN(
        const ValueId as_column,
        upgrade.Emit("Reshape", role + "_column", {upgrade.node.inputs[input], column}));
    STROP_ASSIGN_OR_RETURN(const ValueId table,
                           upgrade.Emit("Expand", role + "_table", {as_column, table_shape}));
    STROP_ASSIGN_OR_RETURN(upgrade.node.inputs[input],
                           upgrade.Emit("Reshape", role + "_channels", {table, vector}));
  }
  return absl::OkStatus();
}

}  // namespace strop
