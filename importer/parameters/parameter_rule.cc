// The rule that says which floating constants of a model are parameters.
//
// Trained are constants that enter an operator as weight, bias, gain, slope or table (its roles,
// ops/core/operator_facts.h); vectors added to or multiplied with an activation; learned tensors
// added to an activation or concatenated with one. A constant counts where it arrives through
// operators that only see constants (Transpose, Reshape, Cast, a weight norm's arithmetic) or only
// cut or repeat it (Slice, Expand). Not trained are single numbers, masks (only zero and very
// negative values), initial states of recurrent operators, vectors that normalize a graph input,
// quantization and shape parameters. An activation is what depends on a graph input by way of a
// layer.

#include "importer/parameters/parameter_rule.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/visit_type.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// What a value is made of.
enum class Source {
  kConstants,   // constants only
  kInput,       // a graph input that no weight has touched
  kActivation,  // an input that has met weights
};

// All but one dimension are 1.
bool IsVector(const Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](int64_t d) { return d != 1; }) <= 1;
}

// Zeros, and values that make a softmax forget: at least one of them. Stops at the first other
// element: tables are long.
bool IsMask(const Tensor& tensor) {
  constexpr double kVeryNegative = -1e4;
  bool has_negative = false;
  bool has_other = false;
  const absl::Status status = VisitFloating(tensor.type(), "a mask", [&]<typename T>() {
    for (const T element : tensor.elements<T>()) {
      const auto number = static_cast<double>(static_cast<ComputeType<T>>(element));
      has_negative |= number != 0;
      has_other = number != 0 && !(number <= kVeryNegative);
      if (has_other) break;
    }
    return absl::OkStatus();
  });
  return status.ok() && has_negative && !has_other;
}

class Rule {
 public:
  explicit Rule(const Graph& graph)
      : graph_(graph),
        index_(graph),
        sources_(graph.values.size(), Source::kConstants),
        is_right_after_weights_(graph.values.size(), false) {
    for (const ValueId input : graph.inputs) source(input) = Source::kInput;
    for (const Node& node : graph.nodes) {
      const Source result = SourceOfOutputs(node);
      const bool follows_weights = IsRightAfterWeights(node);
      for (const ValueId output : node.outputs) {
        if (output == kNoValue) continue;
        source(output) = result;
        is_right_after_weights_[Place(output)] = follows_weights;
      }
    }
  }

  Finding Judge(ValueId constant) const {
    const Tensor& tensor = graph_.value(constant).tensor;
    if (tensor.shape().empty()) return {ConstantUse::kFrozen, "a single number"};
    const std::vector<Finding> findings = FindingsOf(constant);
    if (findings.empty()) return {.reason = "nothing reads it", .is_read = false};
    Finding best = findings.front();
    for (const Finding& finding : findings) {
      if (finding.use < best.use) best = finding;
    }
    const bool is_worth_a_look = best.use == ConstantUse::kTrained;
    if (is_worth_a_look && IsMask(tensor)) return {ConstantUse::kFrozen, "a mask"};
    return best;
  }

 private:
  static size_t Place(ValueId id) { return static_cast<size_t>(id); }
  Source& source(ValueId id) { return sources_[Place(id)]; }
  Source source(ValueId id) const { return sources_[Place(id)]; }

  Source SourceOfOutputs(const Node& node) const {
    // The other inputs of these say how large the result is and which elements it has: a token
    // expanded to the batch, positions cut to the sequence's length, are what they were.
    const OpDefinition& op = FactsOf(node);
    const bool moves_input0 = op.element_move != ElementMove::kNone;
    Source result = Source::kConstants;
    for (const ValueId input : node.inputs) {
      if (input != kNoValue) result = std::max(result, source(input));
      if (moves_input0) break;
    }
    // Range, RandomNormal and the like start from nothing: what they make is no weight.
    if (node.inputs.empty()) return Source::kInput;
    if (result != Source::kInput) return result;
    if (op.is_layer()) return Source::kActivation;
    const bool is_sum =
        op.combination == Combination::kSum || op.combination == Combination::kConcatenation;
    for (const ValueId input : node.inputs) {
      // A learned embedding added to an input makes an activation of it.
      if (is_sum && input != kNoValue && IsTensorOfWeights(input)) return Source::kActivation;
    }
    return Source::kInput;
  }

  bool IsTensorOfWeights(ValueId value) const {
    return graph_.value(value).kind == ValueKind::kConstant &&
           IsFloating(graph_.type(value).element_type) && !IsVector(*graph_.type(value).shape);
  }

  // What each reader takes `constant` for. Follows operators that see constants only.
  std::vector<Finding> FindingsOf(ValueId constant) const {
    std::vector<Finding> findings;
    std::vector<ValueId> waiting = {constant};
    absl::flat_hash_set<ValueId> seen;
    while (!waiting.empty()) {
      const ValueId current = waiting.back();
      waiting.pop_back();
      if (!seen.insert(current).second) continue;
      if (index_.is_output(current)) {
        findings.push_back({ConstantUse::kFrozen, "an output is made of constants alone"});
      }
      for (const GraphIndex::Reader& reader : index_.readers(current)) {
        const Node& node = graph_.nodes[reader.node];
        const InputRole* role = FactsOf(node).role_of(reader.input);
        const bool is_mere_passage = role == nullptr || role->is_passage;
        if (is_mere_passage && SourceOfOutputs(node) == Source::kConstants) {
          for (const ValueId output : node.outputs) {
            if (output != kNoValue) waiting.push_back(output);
          }
        } else {
          findings.push_back(FindingAt(node, reader.input, constant));
        }
      }
    }
    return findings;
  }

  Finding FindingAt(const Node& node, size_t input, ValueId constant) const {
    const OpDefinition& op = FactsOf(node);
    if (const InputRole* role = op.role_of(input); role != nullptr) {
      const bool is_norm_or_bias =
          role->noun == "bias" || role->noun == "scale" || role->noun == "slope";
      return {role->use, absl::StrCat(std::string(role->noun), " of ", NodeLabel(node)),
              is_norm_or_bias};
    }
    switch (op.combination) {
      case Combination::kNone:
        return {ConstantUse::kFrozen, absl::StrCat("operand of ", NodeLabel(node))};
      case Combination::kConcatenation:
        if (graph_.value(constant).tensor.element_count() <= 1) return SingleNumber(node);
        return {ConstantUse::kTrained, absl::StrCat("embedding concatenated at ", NodeLabel(node))};
      default:
        return ArithmeticFinding(node, op.combination, input, constant);
    }
  }

  static Finding SingleNumber(const Node& node) {
    return {ConstantUse::kFrozen, absl::StrCat("a single number at ", NodeLabel(node))};
  }

  Finding ArithmeticFinding(const Node& node, Combination combination, size_t input,
                            ValueId constant) const {
    const Tensor& tensor = graph_.value(constant).tensor;
    const ValueId other = node.inputs[1 - input];
    const bool is_additive = combination != Combination::kProduct;
    const bool is_vector = IsVector(tensor.shape());
    if (tensor.element_count() <= 1 && !(is_additive && is_right_after_weights_[Place(other)])) {
      return SingleNumber(node);
    }
    if (source(other) == Source::kInput && (is_vector || !is_additive)) {
      return {ConstantUse::kFrozen, absl::StrCat("input normalization at ", NodeLabel(node))};
    }
    if (is_additive) {
      return {ConstantUse::kTrained,
              absl::StrCat(is_vector ? "bias" : "embedding", " added at ", NodeLabel(node)),
              is_vector};
    }
    if (is_vector) return {ConstantUse::kTrained, absl::StrCat("gain at ", NodeLabel(node)), true};
    return {ConstantUse::kFrozen, absl::StrCat("a fixed table multiplied at ", NodeLabel(node))};
  }

  // The node is a product with weights, or gives what one made another shape.
  bool IsRightAfterWeights(const Node& node) const {
    const OpDefinition& op = FactsOf(node);
    if (op.is_layer()) return true;
    return op.element_move == ElementMove::kReordered &&
           is_right_after_weights_[Place(node.inputs[0])];
  }

  const Graph& graph_;
  const GraphIndex index_;
  std::vector<Source> sources_;
  std::vector<bool> is_right_after_weights_;  // what such a node gives
};

}  // namespace

std::vector<Finding> FindRoles(const Graph& graph, absl::Span<const ValueId> constants) {
  const Rule rule(graph);
  std::vector<Finding> findings;
  for (const ValueId constant : constants) findings.push_back(rule.Judge(constant));
  return findings;
}

}  // namespace strop
