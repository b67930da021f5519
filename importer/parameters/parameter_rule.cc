// The rule that says which floating constants of a model are parameters.
//
// Trained are constants that enter an operator of kRoles as weight, bias, gain, slope or table;
// vectors added to or multiplied with an activation; learned tensors added to an activation or
// concatenated with one. A constant counts where it arrives through operators that only see
// constants (Transpose, Reshape, Cast, a weight norm's arithmetic) or only cut or repeat it (Slice,
// Expand).
// Not trained are single numbers, masks (only zero and very negative values), initial states of
// recurrent operators, vectors that normalize a graph input, quantization and shape parameters.
// An activation is what depends on a graph input by way of an operator of kRoles.

#include "importer/parameters/parameter_rule.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"

namespace strop {
namespace {

struct Role {
  std::string_view op_type;
  size_t input;
  Verdict verdict;
  std::string_view noun;
};

constexpr Role kRoles[] = {
    {"Attention", 3, Verdict::kTrained, "attention bias"},
    {"BatchNormalization", 1, Verdict::kTrained, "scale"},
    {"BatchNormalization", 2, Verdict::kTrained, "bias"},
    {"BatchNormalization", 3, Verdict::kStatistics, "running mean"},
    {"BatchNormalization", 4, Verdict::kStatistics, "running variance"},
    {"Conv", 1, Verdict::kTrained, "weight"},
    {"Conv", 2, Verdict::kTrained, "bias"},
    {"ConvTranspose", 1, Verdict::kTrained, "weight"},
    {"ConvTranspose", 2, Verdict::kTrained, "bias"},
    {"DeformConv", 1, Verdict::kTrained, "weight"},
    {"DeformConv", 3, Verdict::kTrained, "bias"},
    {"DequantizeLinear", 0, Verdict::kFrozen, "quantized values"},
    {"DequantizeLinear", 1, Verdict::kFrozen, "quantization scale"},
    {"Einsum", 0, Verdict::kTrained, "weight"},
    {"Einsum", 1, Verdict::kTrained, "weight"},
    {"Einsum", 2, Verdict::kTrained, "weight"},
    {"GRU", 1, Verdict::kTrained, "weight"},
    {"GRU", 2, Verdict::kTrained, "recurrence weight"},
    {"GRU", 3, Verdict::kTrained, "bias"},
    {"GRU", 5, Verdict::kFrozen, "initial state"},
    {"Gather", 0, Verdict::kTrained, "table"},
    {"Gemm", 0, Verdict::kTrained, "weight"},
    {"Gemm", 1, Verdict::kTrained, "weight"},
    {"Gemm", 2, Verdict::kTrained, "bias"},
    {"GroupNormalization", 1, Verdict::kTrained, "scale"},
    {"GroupNormalization", 2, Verdict::kTrained, "bias"},
    {"InstanceNormalization", 1, Verdict::kTrained, "scale"},
    {"InstanceNormalization", 2, Verdict::kTrained, "bias"},
    {"LSTM", 1, Verdict::kTrained, "weight"},
    {"LSTM", 2, Verdict::kTrained, "recurrence weight"},
    {"LSTM", 3, Verdict::kTrained, "bias"},
    {"LSTM", 5, Verdict::kFrozen, "initial state"},
    {"LSTM", 6, Verdict::kFrozen, "initial state"},
    {"LSTM", 7, Verdict::kTrained, "peephole weight"},
    {"LayerNormalization", 1, Verdict::kTrained, "scale"},
    {"LayerNormalization", 2, Verdict::kTrained, "bias"},
    {"MatMul", 0, Verdict::kTrained, "weight"},
    {"MatMul", 1, Verdict::kTrained, "weight"},
    {"PRelu", 1, Verdict::kTrained, "slope"},
    {"Pad", 2, Verdict::kFrozen, "padding value"},
    {"QuantizeLinear", 1, Verdict::kFrozen, "quantization scale"},
    {"RMSNormalization", 1, Verdict::kTrained, "scale"},
    {"RNN", 1, Verdict::kTrained, "weight"},
    {"RNN", 2, Verdict::kTrained, "recurrence weight"},
    {"RNN", 3, Verdict::kTrained, "bias"},
    {"RNN", 5, Verdict::kFrozen, "initial state"},
    {"Resize", 1, Verdict::kFrozen, "region"},
    {"Resize", 2, Verdict::kFrozen, "resize factors"},
};

// What a value is made of.
enum class Source {
  kConstants,   // constants only
  kInput,       // a graph input that no weight has touched
  kActivation,  // an input that has met weights
};

const Role* FindRole(const Node& node, size_t input) {
  if (!node.domain.empty()) return nullptr;
  for (const Role& role : kRoles) {
    if (role.op_type == node.op_type && role.input == input) return &role;
  }
  return nullptr;
}

bool HasWeights(const Node& node) {
  return node.domain.empty() &&
         std::any_of(std::begin(kRoles), std::end(kRoles), [&](const Role& role) {
           return role.op_type == node.op_type && role.verdict == Verdict::kTrained;
         });
}

bool IsOneOf(const std::string& op_type, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), op_type) != names.end();
}

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
        producers_(graph.Producers()),
        readers_(graph.values.size()),
        sources_(graph.values.size(), Source::kConstants),
        outputs_(graph.outputs.begin(), graph.outputs.end()) {
    for (const ValueId input : graph.inputs) source(input) = Source::kInput;
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const Node& node = graph.nodes[n];
      const Source result = SourceOfOutputs(node);
      for (const ValueId output : node.outputs) {
        if (output != kNoValue) source(output) = result;
      }
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i] != kNoValue) readers_[Index(node.inputs[i])].push_back({n, i});
      }
    }
  }

  Finding Judge(ValueId constant) const {
    const Tensor& tensor = graph_.value(constant).tensor;
    if (tensor.shape().empty()) return {Verdict::kFrozen, "a single number"};
    const std::vector<Finding> findings = FindingsOf(constant);
    if (findings.empty()) return {.reason = "nothing reads it", .is_read = false};
    Finding best = findings.front();
    for (const Finding& finding : findings) {
      if (finding.verdict < best.verdict) best = finding;
    }
    const bool is_worth_a_look = best.verdict == Verdict::kTrained;
    if (is_worth_a_look && IsMask(tensor)) return {Verdict::kFrozen, "a mask"};
    return best;
  }

 private:
  struct Reader {
    size_t node;
    size_t input;
  };

  static size_t Index(ValueId id) { return static_cast<size_t>(id); }
  Source& source(ValueId id) { return sources_[Index(id)]; }
  Source source(ValueId id) const { return sources_[Index(id)]; }

  Source SourceOfOutputs(const Node& node) const {
    // The other inputs of these say how large the result is and which elements it has: a token
    // expanded to the batch, positions cut to the sequence's length, are what they were.
    const bool moves_input0 =
        node.domain.empty() && IsOneOf(node.op_type, {"Expand", "Reshape", "Slice", "Tile"});
    Source result = Source::kConstants;
    for (const ValueId input : node.inputs) {
      if (input != kNoValue) result = std::max(result, source(input));
      if (moves_input0) break;
    }
    // Range, RandomNormal and the like start from nothing: what they make is no weight.
    if (node.inputs.empty()) return Source::kInput;
    if (result != Source::kInput) return result;
    if (HasWeights(node)) return Source::kActivation;
    const bool is_sum = IsOneOf(node.op_type, {"Add", "Concat"});
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
      if (outputs_.contains(current)) {
        findings.push_back({Verdict::kFrozen, "an output is made of constants alone"});
      }
      for (const Reader& reader : readers_[Index(current)]) {
        const Node& node = graph_.nodes[reader.node];
        const Role* role = FindRole(node, reader.input);
        const bool is_mere_passage = role == nullptr || role->op_type == "MatMul" ||
                                     role->op_type == "Einsum" || role->op_type == "Gemm";
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
    if (const Role* role = FindRole(node, input); role != nullptr) {
      const bool is_norm_or_bias =
          role->noun == "bias" || role->noun == "scale" || role->noun == "slope";
      return {role->verdict, absl::StrCat(std::string(role->noun), " of ", NodeLabel(node)),
              is_norm_or_bias};
    }
    if (node.domain.empty() && IsOneOf(node.op_type, {"Add", "Sub", "Mul", "Div"})) {
      return ArithmeticFinding(node, input, constant);
    }
    if (node.op_type == "Concat" && node.domain.empty()) {
      if (graph_.value(constant).tensor.element_count() <= 1) return SingleNumber(node);
      return {Verdict::kTrained, absl::StrCat("embedding concatenated at ", NodeLabel(node))};
    }
    return {Verdict::kFrozen, absl::StrCat("operand of ", NodeLabel(node))};
  }

  static Finding SingleNumber(const Node& node) {
    return {Verdict::kFrozen, absl::StrCat("a single number at ", NodeLabel(node))};
  }

  Finding ArithmeticFinding(const Node& node, size_t input, ValueId constant) const {
    const Tensor& tensor = graph_.value(constant).tensor;
    const ValueId other = node.inputs[1 - input];
    const bool is_additive = node.op_type == "Add" || node.op_type == "Sub";
    const bool is_vector = IsVector(tensor.shape());
    if (tensor.element_count() <= 1 && !(is_additive && IsRightAfterWeights(other))) {
      return SingleNumber(node);
    }
    if (source(other) == Source::kInput && (is_vector || !is_additive)) {
      return {Verdict::kFrozen, absl::StrCat("input normalization at ", NodeLabel(node))};
    }
    if (is_additive) {
      return {Verdict::kTrained,
              absl::StrCat(is_vector ? "bias" : "embedding", " added at ", NodeLabel(node)),
              is_vector};
    }
    if (is_vector) return {Verdict::kTrained, absl::StrCat("gain at ", NodeLabel(node)), true};
    return {Verdict::kFrozen, absl::StrCat("a fixed table multiplied at ", NodeLabel(node))};
  }

  // A product with weights made the value, perhaps under another shape.
  bool IsRightAfterWeights(ValueId value) const {
    for (int producer = producers_[Index(value)]; producer >= 0;
         producer = producers_[Index(value)]) {
      const Node& node = graph_.nodes[static_cast<size_t>(producer)];
      if (HasWeights(node)) return true;
      if (!IsOneOf(node.op_type, {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten"})) {
        return false;
      }
      value = node.inputs[0];
    }
    return false;
  }

  const Graph& graph_;
  std::vector<int> producers_;
  std::vector<std::vector<Reader>> readers_;
  std::vector<Source> sources_;
  absl::flat_hash_set<ValueId> outputs_;
};

}  // namespace

std::vector<Finding> FindRoles(const Graph& graph, absl::Span<const ValueId> constants) {
  const Rule rule(graph);
  std::vector<Finding> findings;
  for (const ValueId constant : constants) findings.push_back(rule.Judge(constant));
  return findings;
}

}  // namespace strop
