#include "plugin/training/optimizer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/registry.h"

namespace strop {
namespace {

// An update op and the moments that these options keep, empty where one is left out.
struct UpdateRule {
  std::string op;
  Attributes attributes;
  std::vector<std::string> moments;
};

UpdateRule RuleOf(const OptimizerOptions& options) {
  UpdateRule rule;
  rule.attributes.Set("weight_decay", options.weight_decay);
  rule.attributes.Set("clip_value", options.clip_value);
  const std::string momentum = options.momentum != 0 ? "momentum_buffer" : "";
  switch (options.kind) {
    case OptimizerKind::kSgd:
      rule.op = "SgdUpdate";
      rule.attributes.Set("momentum", options.momentum);
      rule.attributes.Set("dampening", options.dampening);
      rule.attributes.Set("nesterov", int64_t{options.nesterov});
      rule.moments = {momentum};
      break;
    case OptimizerKind::kRmsProp:
      rule.op = "RmsPropUpdate";
      rule.attributes.Set("alpha", options.alpha);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.attributes.Set("momentum", options.momentum);
      rule.moments = {"square_avg", options.centered ? "grad_avg" : "", momentum};
      break;
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      rule.op = "AdamUpdate";
      rule.attributes.Set("beta1", options.beta1);
      rule.attributes.Set("beta2", options.beta2);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.attributes.Set("decoupled_weight_decay", int64_t{options.kind == OptimizerKind::kAdamW});
      rule.moments = {"exp_avg", "exp_avg_sq", options.amsgrad ? "max_exp_avg_sq" : ""};
      break;
  }
  while (!rule.moments.empty() && rule.moments.back().empty()) rule.moments.pop_back();
  return rule;
}

// Adds one parameter's update; `scale` multiplies the gradient unless it is kNoValue.
absl::Status AddUpdate(Graph& graph, const UpdateRule& rule, const ParameterGradient& pair,
                       ValueId scale) {
  const std::string name = graph.value(pair.parameter).name;
  const Tensor& first = graph.value(pair.parameter).tensor;
  const DataType moment_type =
      first.type() == DataType::kDouble ? DataType::kDouble : DataType::kFloat;
  const Shape shape = first.shape();
  Node node{absl::StrCat(name, "/update"), std::string(kStropDomain), rule.op, rule.attributes};
  if (pair.weight_decay) node.attributes.Set("weight_decay", *pair.weight_decay);
  node.inputs = {pair.parameter, pair.gradient, pair.learning_rate, pair.step};
  if (scale != kNoValue || !rule.moments.empty()) node.inputs.push_back(scale);
  std::vector<ValueId> states = {pair.parameter};
  for (const std::string& moment : rule.moments) {
    const ValueId state = moment.empty() ? kNoValue
                                         : graph.AddState(absl::StrCat(name, "/", moment),
                                                          Tensor(moment_type, shape));
    node.inputs.push_back(state);
    states.push_back(state);
  }
  for (const ValueId state : states) {
    ValueId updated = kNoValue;
    if (state != kNoValue) {
      updated =
          graph.AddValue(absl::StrCat(graph.value(state).name, "/updated"), graph.type(state));
      graph.state_updates.push_back({state, updated});
    }
    node.outputs.push_back(updated);
  }
  STROP_RETURN_IF_ERROR(InferElementTypes(graph, node));
  graph.nodes.push_back(std::move(node));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(std::string_view name) {
  OptimizerOptions options;
  if (name == "gd" || name == "sgd") return options;
  if (name == "momentum") {
    options.momentum = 0.9;
    return options;
  }
  if (name == "rmsprop") {
    options.kind = OptimizerKind::kRmsProp;
    return options;
  }
  if (name == "adam") {
    options.kind = OptimizerKind::kAdam;
    return options;
  }
  if (name == "adamw") {
    options.kind = OptimizerKind::kAdamW;
    options.weight_decay = 0.01;
    return options;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("train: unknown optimizer \"", std::string(name),
                   "\", expected one of gd, sgd, momentum, rmsprop, adam, adamw"));
}

absl::Status CheckOptimizerOptions(const OptimizerOptions& options) {
  const auto check = [](bool is_right, const char* option, double value, const char* expected) {
    if (is_right) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("train: ", option, " is ", value, ", expected ", expected));
  };
  const auto is_fraction = [](double value) { return value >= 0 && value < 1; };
  const auto is_not_negative = [](double value) { return value >= 0 && std::isfinite(value); };
  STROP_RETURN_IF_ERROR(
      check(is_not_negative(options.momentum), "momentum", options.momentum, "a number from 0 on"));
  STROP_RETURN_IF_ERROR(check(is_not_negative(options.weight_decay), "weight decay",
                              options.weight_decay, "a number from 0 on"));
  STROP_RETURN_IF_ERROR(
      check(is_not_negative(options.alpha), "alpha", options.alpha, "a number from 0 on"));
  STROP_RETURN_IF_ERROR(
      check(is_not_negative(options.epsilon), "epsilon", options.epsilon, "a number from 0 on"));
  STROP_RETURN_IF_ERROR(
      check(is_fraction(options.beta1), "beta1", options.beta1, "a number in [0, 1)"));
  STROP_RETURN_IF_ERROR(
      check(is_fraction(options.beta2), "beta2", options.beta2, "a number in [0, 1)"));
  STROP_RETURN_IF_ERROR(check(is_not_negative(options.clip_norm), "clip norm", options.clip_norm,
                              "a positive number, or 0 for none"));
  STROP_RETURN_IF_ERROR(check(is_not_negative(options.clip_value), "clip value", options.clip_value,
                              "a positive number, or 0 for none"));
  if (options.kind == OptimizerKind::kSgd && options.nesterov &&
      (options.momentum <= 0 || options.dampening != 0)) {
    return absl::InvalidArgumentError(
        "train: nesterov needs a momentum above 0 and a dampening of 0");
  }
  return absl::OkStatus();
}

absl::StatusOr<ValueId> AddOptimizer(Graph& graph, const OptimizerOptions& options,
                                     absl::Span<const ParameterGradient> parameters,
                                     ValueId learning_rate, ValueId step) {
  STROP_RETURN_IF_ERROR(CheckOptimizerOptions(options));
  ValueId norm = kNoValue;
  ValueId scale = kNoValue;
  if (options.clip_norm > 0) {
    Node norm_node{"gradient_norm", std::string(kStropDomain), "GradientNorm"};
    for (const ParameterGradient& pair : parameters) norm_node.inputs.push_back(pair.gradient);
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> norms,
                           AppendNode(graph, std::move(norm_node), 1));
    norm = norms[0];
    Node scale_node{"gradient_scale",
                    std::string(kStropDomain),
                    "ClipScale",
                    {{"max_norm", options.clip_norm}},
                    {norm}};
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> scales,
                           AppendNode(graph, std::move(scale_node), 1));
    scale = scales[0];
  }
  const UpdateRule rule = RuleOf(options);
  for (ParameterGradient pair : parameters) {
    if (pair.learning_rate == kNoValue) pair.learning_rate = learning_rate;
    if (pair.step == kNoValue) pair.step = step;
    STROP_RETURN_IF_ERROR(AddUpdate(graph, rule, pair, scale));
  }
  return norm;
}

}  // namespace strop
