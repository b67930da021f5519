// Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016), for single operators:
// nothing is computed again whose inputs do not live until then of themselves.

#include "plugin/engine/passes/recompute_activations.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// Keeps the copy apart from the node itself, which merge-equal-nodes would find equal.
constexpr char kRecomputedAttribute[] = "is_recomputed";

class Recomputation {
 public:
  Recomputation(Graph& graph, ValueId first_backward)
      : graph_(graph),
        first_backward_(first_backward),
        first_read_(graph.values.size(), kNever),
        last_read_(graph.values.size(), -1) {}

  absl::Status Run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (!IsForward(graph_.nodes[n])) NoteReads(static_cast<int>(n));
    }
    const size_t forward_nodes = graph_.nodes.size();
    // Consumers first: a copy reads its inputs too, and theirs have to come before it.
    for (size_t n = forward_nodes; n-- > 0;) {
      if (IsForward(graph_.nodes[n]) && IsWorthwhile(graph_.nodes[n])) {
        STROP_RETURN_IF_ERROR(AddCopy(n));
      }
    }
    if (!copies_.empty()) Insert();
    return absl::OkStatus();
  }

 private:
  static constexpr int kNever = 1 << 30;

  struct Copy {
    Node node;
    int position;  // of the node that it stands before
    ValueId original;
  };

  static size_t Index(ValueId id) { return static_cast<size_t>(id); }

  bool IsForward(const Node& node) const {
    return std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
      return output != kNoValue && output < first_backward_;
    });
  }

  static bool ReadsElements(const Node& node, size_t input) {
    const OpDefinition* op = FindOp(node.domain, node.op_type);
    return node.inputs[input] != kNoValue &&
           (op == nullptr || op->use_of(input) != InputUse::kShapeOnly);
  }

  void NoteReads(int position) {
    const Node& node = graph_.nodes[static_cast<size_t>(position)];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!ReadsElements(node, i)) continue;
      const ValueId input = node.inputs[i];
      first_read_[Index(input)] = std::min(first_read_[Index(input)], position);
      last_read_[Index(input)] = std::max(last_read_[Index(input)], position);
    }
  }

  // The backward pass reads the output, and every input lives until it does.
  bool IsWorthwhile(const Node& node) const {
    const OpDefinition* op = FindOp(node.domain, node.op_type);
    // What can run in place makes each element, or row, of the one that it overwrites: cheap beside
    // a product.
    if (op == nullptr || op->in_place.empty() || op->is_random) return false;
    if (node.outputs[0] == kNoValue) return false;
    const int needed = first_read_[Index(node.outputs[0])];
    if (needed == kNever) return false;
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
      if (input == kNoValue || graph_.value(input).kind != ValueKind::kNodeOutput) return true;
      return last_read_[Index(input)] >= needed;
    });
  }

  absl::Status AddCopy(size_t n) {
    const ValueId original = graph_.nodes[n].outputs[0];
    Copy copy{graph_.nodes[n], first_read_[Index(original)], original};
    copy.node.name += "/recomputed";
    copy.node.attributes.Set(kRecomputedAttribute, int64_t{1});
    const ValueId output = graph_.AddValue(absl::StrCat(graph_.value(original).name, "/recomputed"),
                                           graph_.type(original));
    copy.node.outputs = {output};
    STROP_RETURN_IF_ERROR(InferElementTypes(graph_, copy.node));
    for (const ValueId input : copy.node.inputs) {
      if (input == kNoValue) continue;
      first_read_[Index(input)] = std::min(first_read_[Index(input)], copy.position);
    }
    recomputed_.Set(original, output);
    copies_.push_back(std::move(copy));
    return absl::OkStatus();
  }

  void Insert() {
    std::map<int, std::vector<Node>> before;
    // Producers were met last.
    for (auto copy = copies_.rbegin(); copy != copies_.rend(); ++copy) {
      Redirect(copy->node);
      before[copy->position].push_back(std::move(copy->node));
    }
    std::vector<Node> nodes;
    nodes.reserve(graph_.nodes.size() + copies_.size());
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const auto found = before.find(static_cast<int>(n));
      if (found != before.end())
        std::move(found->second.begin(), found->second.end(), std::back_inserter(nodes));
      if (!IsForward(graph_.nodes[n])) Redirect(graph_.nodes[n]);
      nodes.push_back(std::move(graph_.nodes[n]));
    }
    graph_.nodes = std::move(nodes);
  }

  // Who asks for a shape alone may stand before the copy, and keeps nothing alive.
  void Redirect(Node& node) const {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (ReadsElements(node, i)) node.inputs[i] = recomputed_.Of(node.inputs[i]);
    }
  }

  Graph& graph_;
  const ValueId first_backward_;
  std::vector<int> first_read_;  // position of the first and last reader in the backward pass,
  std::vector<int> last_read_;   // by value
  std::vector<Copy> copies_;     // consumers before producers
  ValueReplacement recomputed_;
};

}  // namespace

absl::Status RecomputeActivations(Graph& graph, ValueId first_backward) {
  return Recomputation(graph, first_backward).Run();
}

}  // namespace strop
