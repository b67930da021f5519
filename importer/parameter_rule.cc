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

#include "importer/parameter_rule.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "importer/glob.h"

namespace strop {
namespace {

enum class Verdict { kTrained, kStatistics, kFrozen };

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

struct Finding {
  Verdict verdict = Verdict::kFrozen;
  std::string reason;
  bool is_norm_or_bias = false;
};

class Rule {
 public:
  explicit Rule(const Graph& graph)
      : graph_(graph),
        producers_(graph.Producers()),
        readers_(graph.values.size()),
        sources_(graph.values.size(), Source::kConstants) {
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
    Finding best = {Verdict::kFrozen, "nothing reads it"};
    bool is_first = true;
    for (const Finding& finding : FindingsOf(constant, constant)) {
      const bool is_better = finding.verdict < best.verdict;
      if (is_first || is_better) best = finding;
      is_first = false;
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

  // What each reader of `value`, which is made of `constant`, takes it for. Follows operators that
  // see constants only.
  std::vector<Finding> FindingsOf(ValueId value, ValueId constant) const {
    std::vector<Finding> findings;
    std::vector<ValueId> waiting = {value};
    std::vector<bool> seen(graph_.values.size(), false);
    while (!waiting.empty()) {
      const ValueId current = waiting.back();
      waiting.pop_back();
      if (seen[Index(current)]) continue;
      seen[Index(current)] = true;
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
};

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return MatchesGlob(pattern, name); });
}

// Whether the user's word can change what the tensor is.
bool IsChoosable(const Parameter& parameter) {
  return parameter.tensor >= 0 && parameter.role != Parameter::Role::kStatistics;
}

absl::Status CheckPatterns(const std::vector<std::string>& patterns, const std::string& option,
                           const std::vector<Parameter>& parameters) {
  for (const std::string& pattern : patterns) {
    const Parameter* matched = nullptr;
    for (const Parameter& parameter : parameters) {
      if (!MatchesGlob(pattern, parameter.name)) continue;
      if (matched == nullptr || IsChoosable(parameter)) matched = &parameter;
    }
    if (matched == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(option, " \"", pattern,
                       "\" matches no floating tensor of the model; `strop inspect` lists them"));
    }
    if (IsChoosable(*matched)) continue;
    const bool is_statistics = matched->role == Parameter::Role::kStatistics;
    return absl::InvalidArgumentError(absl::StrCat(
        option, " \"", pattern, "\" changes nothing: \"", matched->name, "\" is ", matched->reason,
        is_statistics ? ", which moves with --batch-norm train and not by a gradient" : ""));
  }
  return absl::OkStatus();
}

void Select(const ParameterSelection& selection, Parameter& parameter) {
  using Role = Parameter::Role;
  if (parameter.role == Role::kStatistics) return;
  if (parameter.role == Role::kTrained && !selection.train_only.empty() &&
      !MatchesAny(selection.train_only, parameter.name)) {
    parameter.role = Role::kFrozen;
    parameter.reason += ", left out by --train-only";
  }
  if (parameter.role == Role::kFrozen && MatchesAny(selection.train, parameter.name)) {
    parameter.role = Role::kTrained;
    parameter.reason += ", chosen by --train";
  }
  if (parameter.role == Role::kTrained && MatchesAny(selection.freeze, parameter.name)) {
    parameter.role = Role::kFrozen;
    parameter.reason += ", frozen by --freeze";
  }
}

// Tensors that stand for several constants: a function's, called more than once.
std::map<int, int> CountUses(const std::vector<ImportedConstant>& constants) {
  std::map<int, int> uses;
  for (const ImportedConstant& constant : constants) {
    if (constant.origin != Parameter::Origin::kIdentity) ++uses[constant.tensor];
  }
  return uses;
}

}  // namespace

absl::StatusOr<std::vector<Parameter>> ChooseParameters(
    Graph& graph, const std::vector<ImportedConstant>& constants,
    const ParameterSelection& selection) {
  const Rule rule(graph);
  std::map<int, int> uses = CountUses(constants);
  std::vector<Parameter> parameters;
  for (const ImportedConstant& constant : constants) {
    const Value& value = graph.value(constant.value);
    if (!IsFloating(value.type.element_type)) continue;
    const Finding finding = rule.Judge(constant.value);
    Parameter parameter;
    parameter.name = value.name;
    parameter.value = constant.value;
    parameter.origin = constant.origin;
    parameter.reason = finding.reason;
    parameter.is_norm_or_bias = finding.is_norm_or_bias;
    parameter.tensor = constant.tensor;
    parameter.is_in_function = constant.is_in_function;
    parameter.role = finding.verdict == Verdict::kTrained      ? Parameter::Role::kTrained
                     : finding.verdict == Verdict::kStatistics ? Parameter::Role::kStatistics
                                                               : Parameter::Role::kFrozen;
    const bool is_shared =
        constant.origin != Parameter::Origin::kIdentity && uses[constant.tensor] > 1;
    if (constant.tensor < 0 || is_shared) {
      parameter.tensor = -1;
      parameter.role = Parameter::Role::kFrozen;
      parameter.reason += is_shared && constant.tensor >= 0
                              ? ", but its function is called more than once"
                              : ", but no tensor of the file holds it";
    }
    parameters.push_back(std::move(parameter));
  }
  STROP_RETURN_IF_ERROR(CheckPatterns(selection.train, "--train", parameters));
  STROP_RETURN_IF_ERROR(CheckPatterns(selection.train_only, "--train-only", parameters));
  STROP_RETURN_IF_ERROR(CheckPatterns(selection.freeze, "--freeze", parameters));
  for (Parameter& parameter : parameters) {
    if (parameter.tensor < 0) continue;
    const bool is_parameter_by_rule = parameter.role != Parameter::Role::kFrozen;
    Select(selection, parameter);
    if (is_parameter_by_rule || parameter.role != Parameter::Role::kFrozen) {
      graph.value(parameter.value).kind = ValueKind::kState;
    }
  }
  return parameters;
}

}  // namespace strop
