#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"

namespace strop {

// One node of the standard domain on its way from an old opset's meaning to the newest. An adapter
// changes `node` and may put constants and further nodes in front of it.
class NodeUpgrade {
 public:
  // Adds a complete node to the graph, outputs' types inferred.
  using AppendFunction = std::function<absl::Status(Node)>;

  NodeUpgrade(Node upgraded, Graph& graph, AppendFunction append)
      : node(std::move(upgraded)), graph_(graph), append_(std::move(append)) {}

  Node node;

  const Graph& graph() const { return graph_; }
  bool has_input(size_t index) const {
    return index < node.inputs.size() && node.inputs[index] != kNoValue;
  }
  // The elements of an input that is a constant, else null.
  const Tensor* constant_input(size_t index) const;

  ValueId Constant(std::string_view role, Tensor tensor);
  // Puts a value at an input's place, filling the places before it with absent inputs.
  void SetInput(size_t index, ValueId value);
  // A node in front of `node`; its one output.
  absl::StatusOr<ValueId> Emit(std::string_view op_type, std::string_view role,
                               std::vector<ValueId> inputs, Attributes attributes = {});
  // An attribute that later opsets take as an int64 input of rank 1.
  void MoveIntsToInput(std::string_view attribute, size_t input);

  absl::Status Unsupported(const std::string& found, const std::string& instead) const;

 private:
  Graph& graph_;
  AppendFunction append_;
};

// True if Strop knows what that operator of an old opset means today.
bool HasUpgrade(const std::string& op_type, int64_t opset);

// Applies every adapter between `opset` and the newest, oldest first.
absl::Status UpgradeNode(NodeUpgrade& upgrade, int64_t opset);

// The adapters of one operator: nodes of an opset older than `changed_in` pass through `adapt`.
struct UpgradeRule {
  std::string_view op_type;
  int64_t changed_in;
  absl::Status (*adapt)(NodeUpgrade& upgrade);
};

// Resize, Upsample, GridSample, RoiAlign: opset_upgrade_resampling.cc.
absl::Status UpsampleAttributeToInput(NodeUpgrade& upgrade);
absl::Status UpsampleToResize(NodeUpgrade& upgrade);
absl::Status Resize10(NodeUpgrade& upgrade);
absl::Status Resize11(NodeUpgrade& upgrade);
absl::Status GridSample16(NodeUpgrade& upgrade);
absl::Status RoiAlign10(NodeUpgrade& upgrade);

// Softmax and normalizations: opset_upgrade_normalization.cc.
absl::Status CoerceToMatrix(NodeUpgrade& upgrade);
absl::Status BatchNormalization7(NodeUpgrade& upgrade);
absl::Status BatchNormalization9(NodeUpgrade& upgrade);
absl::Status GroupNormalization18(NodeUpgrade& upgrade);

}  // namespace strop
