#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"

namespace onnx {
class NodeProto;
class GraphProto;
}  // namespace onnx

namespace strop {

// Pointers to `nodes` in an order in which every value is computed before it is read; the given
// order wherever it serves. `is_known` says which names exist before the first node.
// InvalidArgument naming the nodes for a name that is assigned twice, a value that nothing
// provides, a cycle.
absl::StatusOr<std::vector<const onnx::NodeProto*>> OrderNodes(
    std::vector<const onnx::NodeProto*> nodes,
    const std::function<bool(const std::string&)>& is_known);

// Names that a node reads: its inputs, and what its subgraphs take from outside.
std::vector<std::string> NamesRead(const onnx::NodeProto& node);

// "conv1" (Conv); an unnamed node is called by its operator and first output.
std::string NodeProtoName(const onnx::NodeProto& node);
std::string NodeProtoLabel(const onnx::NodeProto& node);

}  // namespace strop
