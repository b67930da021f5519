#include "plugin/engine/passes/recognize_gelu.h"

#include <cmath>
#include <numbers>
#include <optional>

#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// Constants come from files in float: they equal √2 and its kin to that precision.
constexpr double kTolerance = 1e-6;

class GeluMatcher {
 public:
  explicit GeluMatcher(Graph& graph) : graph_(graph), index_(graph) {}

  absl::Status Run() {
    for (Node& node : graph_.nodes) {
      const std::optional<ValueId> x = GeluInput(node);
      if (!x) continue;
      node = Node{node.name, "", "Gelu", {}, {*x}, node.outputs};
      STROP_RETURN_IF_ERROR(InferElementTypes(graph_, node));
    }
    graph_.RemoveDeadNodes();
    return absl::OkStatus();
  }

 private:
  // The x of which `node` is the last operation of a GELU: 0.5·(x·t), (0.5·x)·t or x·(0.5·t) with
  // t = 1 + Erf(x/√2).
  std::optional<ValueId> GeluInput(const Node& node) const {
    if (!Is(node, "Mul")) return std::nullopt;
    if (const std::optional<ValueId> product = OtherThan(node, 0.5)) {
      const Node* inner = OnlyReadProducer(*product);
      if (inner == nullptr || !Is(*inner, "Mul")) return std::nullopt;
      return MatchFactors(inner->inputs[0], inner->inputs[1]);
    }
    for (const size_t half : {0, 1}) {
      const Node* halved = OnlyReadProducer(node.inputs[half]);
      if (halved == nullptr || !Is(*halved, "Mul")) continue;
      if (const std::optional<ValueId> factor = OtherThan(*halved, 0.5)) {
        return MatchFactors(*factor, node.inputs[1 - half]);
      }
    }
    return std::nullopt;
  }

  // x, if one of the two is x and the other 1 + Erf(x/√2).
  std::optional<ValueId> MatchFactors(ValueId a, ValueId b) const {
    if (ErfTermOf(b) == a) return a;
    if (ErfTermOf(a) == b) return b;
    return std::nullopt;
  }

  // The x of t = 1 + Erf(x/√2).
  std::optional<ValueId> ErfTermOf(ValueId t) const {
    const Node* add = OnlyReadProducer(t);
    if (add == nullptr || !Is(*add, "Add")) return std::nullopt;
    const std::optional<ValueId> erf = OtherThan(*add, 1.0);
    const Node* erf_node = erf ? OnlyReadProducer(*erf) : nullptr;
    if (erf_node == nullptr || !Is(*erf_node, "Erf")) return std::nullopt;
    const Node* scale = OnlyReadProducer(erf_node->inputs[0]);
    if (scale == nullptr) return std::nullopt;
    if (Is(*scale, "Mul")) return OtherThan(*scale, 1 / std::numbers::sqrt2);
    if (Is(*scale, "Div") && IsNumber(scale->inputs[1], std::numbers::sqrt2)) {
      return scale->inputs[0];
    }
    return std::nullopt;
  }

  static bool Is(const Node& node, std::string_view op_type) {
    return node.domain.empty() && node.op_type == op_type;
  }

  bool IsNumber(ValueId id, double number) const {
    const Value& value = graph_.value(id);
    if (value.kind != ValueKind::kConstant || value.tensor.element_count() != 1) return false;
    const absl::StatusOr<std::vector<double>> elements = NumericElements(value.tensor);
    return elements.ok() && std::abs((*elements)[0] - number) <= kTolerance * number;
  }

  // The operand of a binary node beside the constant `number`.
  std::optional<ValueId> OtherThan(const Node& node, double number) const {
    if (IsNumber(node.inputs[0], number)) return node.inputs[1];
    if (IsNumber(node.inputs[1], number)) return node.inputs[0];
    return std::nullopt;
  }

  // The node that computes a value which is read once.
  const Node* OnlyReadProducer(ValueId id) const {
    const int producer = index_.producer(id);
    if (producer < 0 || index_.use_count(id) != 1) return nullptr;
    return &graph_.nodes[static_cast<size_t>(producer)];
  }

  Graph& graph_;
  const GraphIndex index_;
};

}  // namespace

absl::Status RecognizeGelu(Graph& graph) { return GeluMatcher(graph).Run(); }

}  // namespace strop
