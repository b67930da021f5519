#include "plugin/training/optimization/optimizer.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// An update op and the moments that these options keep, empty where one is left out.
struct UpdateRule {
  std::string op;
  Attributes attributes;
  std::vector<std::string> moments;
  double first_value = 0;  // of every moment's elements
};

// Null where there is none of that name.
const OptimizerRow* FindRow(std::string_view name) {
  const auto* const row = std::find_if(std::begin(kOptimizers), std::end(kOptimizers),
                                       [&](const OptimizerRow& row) { return row.name == name; });
  return row == std::end(kOptimizers) ? nullptr : row;
}

// The number of that name, or 1 where the flag of that name is on.
double ValueOf(const OptimizerOptions& options, std::string_view name) {
  for (const OptimizerSetting<double>& number : kOptimizerNumbers) {
    if (number.name == name) return options.*number.field;
  }
  for (const OptimizerSetting<bool>& flag : kOptimizerFlags) {
    if (flag.name == name) return options.*flag.field ? 1 : 0;
  }
  return 0;
}

UpdateRule RuleOf(const OptimizerRow& row, const OptimizerOptions& options) {
  UpdateRule rule;
  rule.op = row.update;
  for (const OptimizerSetting<double>& number : kOptimizerNumbers) {
    if (!row.has(number.name) || number.use != OptionUse::kAttribute) continue;
    rule.attributes.Set(std::string(number.name), options.*number.field);
  }
  for (const OptimizerSetting<bool>& flag : kOptimizerFlags) {
    if (!row.has(flag.name) || flag.use != OptionUse::kAttribute) continue;
    rule.attributes.Set(std::string(flag.name), int64_t{options.*flag.field});
  }
  if (row.is_decoupled) rule.attributes.Set("decoupled_weight_decay", int64_t{1});
  rule.attributes.Set("clip_value", options.clip_value);
  for (const Moment& moment : row.moments) {
    const bool is_kept = moment.kept_with.empty() || ValueOf(options, moment.kept_with) != 0;
    rule.moments.emplace_back(is_kept ? moment.name : "");
    if (!moment.first_value.empty()) rule.first_value = ValueOf(options, moment.first_value);
  }
  while (!rule.moments.empty() && rule.moments.back().empty()) rule.moments.pop_back();
  return rule;
}

Tensor FirstMoment(DataType type, const Shape& shape, double value) {
  Tensor moment(type, shape);
  if (value == 0) return moment;
  if (type == DataType::kDouble) {
    for (double& element : moment.mutable_elements<double>()) element = value;
  } else {
    for (float& element : moment.mutable_elements<float>()) element = static_cast<float>(value);
  }
  return moment;
}

// Adds one parameter's update; `scale` multiplies the gradient. Returns its health.
absl::StatusOr<ValueId> AddUpdate(Graph& graph, const UpdateRule& rule,
                                  const ParameterGradient& pair, ValueId scale) {
  const std::string name = graph.value(pair.parameter).name;
  const Tensor& first = graph.value(pair.parameter).tensor;
  const DataType moment_type =
      first.type() == DataType::kDouble ? DataType::kDouble : DataType::kFloat;
  const Shape shape = first.shape();
  Node node{absl::StrCat(name, "/update"), std::string(kStropDomain), rule.op, rule.attributes};
  if (pair.weight_decay) node.attributes.Set("weight_decay", *pair.weight_decay);
  node.inputs = {pair.parameter, pair.gradient, pair.learning_rate, pair.step, scale};
  std::vector<ValueId> states = {pair.parameter};
  for (const std::string& moment : rule.moments) {
    const ValueId state = moment.empty()
                              ? kNoValue
                              : graph.AddState(absl::StrCat(name, "/", moment),
                                               FirstMoment(moment_type, shape, rule.first_value));
    node.inputs.push_back(state);
    states.push_back(state);
  }
  const ValueId health =
      graph.AddValue(absl::StrCat(name, "/health"), {DataType::kDouble, Shape{}});
  for (const ValueId state : states) {
    ValueId updated = kNoValue;
    if (state != kNoValue) {
      updated =
          graph.AddValue(absl::StrCat(graph.value(state).name, "/updated"), graph.type(state));
      graph.state_updates.push_back({state, updated});
    }
    node.outputs.push_back(updated);
    if (state == pair.parameter) node.outputs.push_back(health);
  }
  STROP_RETURN_IF_ERROR(InferElementTypes(graph, node));
  graph.nodes.push_back(std::move(node));
  return health;
}

bool IsInRange(double value, OptionRange range) {
  if (range == OptionRange::kAny) return true;
  return value >= 0 && std::isfinite(value) && (range == OptionRange::kFromZero || value < 1);
}

absl::Status CheckRange(std::string_view option, double value, OptionRange range) {
  if (IsInRange(value, range)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "train: ", absl::StrReplaceAll(std::string(option), {{"_", " "}}), " is ", value,
      ", expected a number ", range == OptionRange::kFraction ? "in [0, 1)" : "from 0 on"));
}

}  // namespace

std::vector<std::string> OptimizerNames() {
  std::vector<std::string> names;
  for (const OptimizerRow& row : kOptimizers) names.emplace_back(row.name);
  return names;
}

absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(std::string_view name) {
  const OptimizerRow* const row = FindRow(name);
  if (row == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("train: unknown optimizer \"", std::string(name),
                                                   "\", expected one of ",
                                                   absl::StrJoin(OptimizerNames(), ", ")));
  }
  OptimizerOptions options;
  options.optimizer = row->name;
  options.weight_decay = row->weight_decay;
  for (const OptimizerSetting<double>& option : kOptimizerNumbers) {
    for (const OptimizerNumber& number : row->numbers) {
      if (number.option == option.name) options.*option.field = number.initial;
    }
  }
  return options;
}

double DefaultLearningRate(std::string_view name) {
  const OptimizerRow* const row = FindRow(name);
  return row == nullptr ? OptimizerRow().learning_rate : row->learning_rate;
}

absl::Status CheckOptimizerOptions(const OptimizerOptions& options) {
  STROP_RETURN_IF_ERROR(OptimizerOptionsOf(options.optimizer).status());
  for (const OptimizerSetting<double>& option : kOptimizerNumbers) {
    STROP_RETURN_IF_ERROR(CheckRange(option.name, options.*option.field, option.range));
  }
  STROP_RETURN_IF_ERROR(CheckRange("clip_norm", options.clip_norm, OptionRange::kFromZero));
  STROP_RETURN_IF_ERROR(CheckRange("clip_value", options.clip_value, OptionRange::kFromZero));
  const bool is_nesterov = options.nesterov && FindRow(options.optimizer)->has("nesterov");
  if (is_nesterov && (options.momentum <= 0 || options.dampening != 0)) {
    return absl::InvalidArgumentError(
        "train: nesterov needs a momentum above 0 and a dampening of 0");
  }
  return absl::OkStatus();
}

absl::StatusOr<OptimizerOutputs> AddOptimizer(Graph& graph, const OptimizerOptions& options,
                                              absl::Span<const ParameterGradient> parameters,
                                              ValueId learning_rate, ValueId step, ValueId loss) {
  STROP_RETURN_IF_ERROR(CheckOptimizerOptions(options));
  OptimizerOutputs outputs;
  ValueId& norm = outputs.gradient_norm;
  if (options.clip_norm > 0) {
    Node norm_node{"gradient_norm", std::string(kStropDomain), "GradientNorm"};
    for (const ParameterGradient& pair : parameters) norm_node.inputs.push_back(pair.gradient);
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> norms,
                           AppendNode(graph, std::move(norm_node), 1));
    norm = norms[0];
  }
  Node scale_node{"step_scale", std::string(kStropDomain), "StepScale"};
  scale_node.inputs = {loss};
  if (norm != kNoValue) {
    scale_node.attributes.Set("max_norm", options.clip_norm);
    scale_node.inputs.push_back(norm);
  }
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> scales,
                         AppendNode(graph, std::move(scale_node), 1));
  const ValueId scale = scales[0];
  const UpdateRule rule = RuleOf(*FindRow(options.optimizer), options);
  for (ParameterGradient pair : parameters) {
    if (pair.learning_rate == kNoValue) pair.learning_rate = learning_rate;
    if (pair.step == kNoValue) pair.step = step;
    STROP_ASSIGN_OR_RETURN(const ValueId health, AddUpdate(graph, rule, pair, scale));
    outputs.health.push_back(health);
  }
  return outputs;
}

}  // namespace strop
