#include "plugin/engine/passes/merge_equal_nodes.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// Constants of more bytes than a few scalars or axes are not worth comparing.
constexpr size_t kLargestMergedBytes = 256;

std::string TensorKey(const Tensor& tensor) {
  std::string key = TypeName({tensor.type(), tensor.shape()});
  key.append(static_cast<const char*>(tensor.data()), tensor.bytes());
  return key;
}

// Text that is equal for equal attributes. Subgraphs and string tensors have none.
bool AppendKey(const Attribute& attribute, std::string& key) {
  if (const auto* tensor = std::get_if<Tensor>(&attribute)) {
    if (tensor->type() == DataType::kString) return false;
    key += TensorKey(*tensor);
    return true;
  }
  if (std::holds_alternative<std::shared_ptr<const Graph>>(attribute)) return false;
  const auto append_bytes = [&](const auto& number) {
    key.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  absl::StrAppend(&key, attribute.index(), ":");
  if (const auto* integer = std::get_if<int64_t>(&attribute)) append_bytes(*integer);
  if (const auto* real = std::get_if<double>(&attribute)) append_bytes(*real);
  if (const auto* text = std::get_if<std::string>(&attribute)) key += *text;
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&attribute)) {
    for (const int64_t integer : *integers) append_bytes(integer);
  }
  if (const auto* reals = std::get_if<std::vector<double>>(&attribute)) {
    for (const double real : *reals) append_bytes(real);
  }
  if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute)) {
    for (const std::string& text : *texts) absl::StrAppend(&key, text.size(), ":", text);
  }
  return true;
}

// Empty when the node must stay apart.
std::string NodeKey(const Node& node) {
  const OpDefinition* op = FindOp(node.domain, node.op_type);
  if (op == nullptr || op->is_random) return "";
  std::string key = absl::StrCat(node.domain, "/", node.op_type, "(");
  for (const ValueId input : node.inputs) absl::StrAppend(&key, input, ",");
  for (const auto& [name, attribute] : node.attributes) {
    absl::StrAppend(&key, "|", name, "=");
    if (!AppendKey(attribute, key)) return "";
  }
  return key;
}

class Merger {
 public:
  explicit Merger(Graph& graph) : graph_(graph) {}

  void Run() {
    MergeConstants();
    for (Node& node : graph_.nodes) {
      merged_.ApplyTo(node);
      const std::string key = NodeKey(node);
      if (key.empty()) continue;
      const auto [position, is_new] = nodes_.try_emplace(key, &node);
      if (!is_new) MergeInto(node, *position->second);
    }
    merged_.ApplyToResults(graph_);
    graph_.RemoveDeadNodes();
  }

 private:
  void MergeConstants() {
    absl::flat_hash_map<std::string, ValueId> constants;
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const Value& value = graph_.values[i];
      if (value.kind != ValueKind::kConstant || value.type.element_type == DataType::kString ||
          value.tensor.bytes() > kLargestMergedBytes) {
        continue;
      }
      const auto id = static_cast<ValueId>(i);
      const auto [position, is_new] = constants.try_emplace(TensorKey(value.tensor), id);
      if (!is_new) merged_.Set(id, position->second);
    }
  }

  // `kept` takes over the outputs that only `node` computes.
  void MergeInto(Node& node, Node& kept) {
    if (kept.outputs.size() < node.outputs.size()) {
      kept.outputs.resize(node.outputs.size(), kNoValue);
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      if (kept.outputs[i] == kNoValue) {
        kept.outputs[i] = node.outputs[i];
        node.outputs[i] = kNoValue;
      } else {
        merged_.Set(node.outputs[i], kept.outputs[i]);
      }
    }
  }

  Graph& graph_;
  ValueReplacement merged_;
  absl::flat_hash_map<std::string, Node*> nodes_;
};

}  // namespace

absl::Status MergeEqualNodes(Graph& graph) {
  Merger(graph).Run();
  return absl::OkStatus();
}

}  // namespace strop
