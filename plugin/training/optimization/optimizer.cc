#include "plugin/training/optimization/optimizer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

void SetMomentum(const OptimizerOptions& options, Attributes& attributes) {
  attributes.Set("momentum", options.momentum);
  attributes.Set("dampening", options.dampening);
  attributes.Set("nesterov", int64_t{options.nesterov});
}

void SetBetas(const OptimizerOptions& options, Attributes& attributes) {
  attributes.Set("beta1", options.beta1);
  attributes.Set("beta2", options.beta2);
}

UpdateRule RuleOf(const OptimizerOptions& options) {
  UpdateRule rule;
  rule.attributes.Set("weight_decay", options.weight_decay);
  rule.attributes.Set("clip_value", options.clip_value);
  const std::string momentum = options.momentum != 0 ? "momentum_buffer" : "";
  switch (options.kind) {
    case OptimizerKind::kSgd:
      rule.op = "SgdUpdate";
      SetMomentum(options, rule.attributes);
      rule.moments = {momentum};
      break;
    case OptimizerKind::kRmsProp:
      rule.op = "RmsPropUpdate";
      rule.attributes.Set("alpha", options.alpha);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.attributes.Set("momentum", options.momentum);
      rule.moments = {"square_avg", options.centered ? "grad_avg" : "", momentum};
      break;
    case OptimizerKind::kAdagrad:
      rule.op = "AdagradUpdate";
      rule.attributes.Set("learning_rate_decay", options.learning_rate_decay);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.moments = {"sum"};
      rule.first_value = options.initial_accumulator_value;
      break;
    case OptimizerKind::kAdadelta:
      rule.op = "AdadeltaUpdate";
      rule.attributes.Set("rho", options.rho);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.moments = {"square_avg", "acc_delta"};
      break;
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      rule.op = "AdamUpdate";
      SetBetas(options, rule.attributes);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.attributes.Set("decoupled_weight_decay", int64_t{options.kind == OptimizerKind::kAdamW});
      rule.moments = {"exp_avg", "exp_avg_sq", options.amsgrad ? "max_exp_avg_sq" : ""};
      break;
    case OptimizerKind::kNAdam:
    case OptimizerKind::kRAdam:
      rule.op = options.kind == OptimizerKind::kNAdam ? "NAdamUpdate" : "RAdamUpdate";
      SetBetas(options, rule.attributes);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.attributes.Set("decoupled_weight_decay", int64_t{options.decoupled_weight_decay});
      if (options.kind == OptimizerKind::kNAdam) {
        rule.attributes.Set("momentum_decay", options.momentum_decay);
      }
      rule.moments = {"exp_avg", "exp_avg_sq"};
      break;
    case OptimizerKind::kLion:
      rule.op = "LionUpdate";
      SetBetas(options, rule.attributes);
      rule.moments = {"exp_avg"};
      break;
    case OptimizerKind::kLamb:
      rule.op = "LambUpdate";
      SetBetas(options, rule.attributes);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.moments = {"exp_avg", "exp_avg_sq"};
      break;
    case OptimizerKind::kLars:
      rule.op = "LarsUpdate";
      SetMomentum(options, rule.attributes);
      rule.attributes.Set("trust_coefficient", options.trust_coefficient);
      rule.attributes.Set("epsilon", options.epsilon);
      rule.moments = {momentum};
      break;
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

// An optimizer by name, with the defaults that it is published with.
struct NamedOptimizer {
  std::string_view name;
  double learning_rate;
  OptimizerOptions options;
};

const std::vector<NamedOptimizer>& NamedOptimizers() {
  using Kind = OptimizerKind;
  static const std::vector<NamedOptimizer> kOptimizers = {
      {"gd", 1e-3, {.kind = Kind::kSgd}},
      {"sgd", 1e-3, {.kind = Kind::kSgd}},
      {"momentum", 1e-3, {.kind = Kind::kSgd, .momentum = 0.9}},
      {"rmsprop", 1e-3, {.kind = Kind::kRmsProp}},
      {"adagrad", 1e-2, {.kind = Kind::kAdagrad, .epsilon = 1e-10}},
      {"adadelta", 1, {.kind = Kind::kAdadelta, .epsilon = 1e-6}},
      {"adam", 1e-3, {.kind = Kind::kAdam}},
      {"adamw", 1e-3, {.kind = Kind::kAdamW, .weight_decay = 0.01}},
      {"nadam", 2e-3, {.kind = Kind::kNAdam}},
      {"radam", 1e-3, {.kind = Kind::kRAdam}},
      {"lion", 1e-4, {.kind = Kind::kLion, .beta2 = 0.99}},
      {"lamb", 1e-3, {.kind = Kind::kLamb, .weight_decay = 0.01, .epsilon = 1e-6}},
      {"lars", 1, {.kind = Kind::kLars, .momentum = 0.9}},
  };
  return kOptimizers;
}

}  // namespace

std::vector<std::string> OptimizerNames() {
  std::vector<std::string> names;
  for (const NamedOptimizer& named : NamedOptimizers()) names.emplace_back(named.name);
  return names;
}

absl::StatusOr<OptimizerOptions> OptimizerOptionsOf(std::string_view name) {
  for (const NamedOptimizer& named : NamedOptimizers()) {
    if (named.name == name) return named.options;
  }
  return absl::InvalidArgumentError(absl::StrCat("train: unknown optimizer \"", std::string(name),
                                                 "\", expected one of ",
                                                 absl::StrJoin(OptimizerNames(), ", ")));
}

double DefaultLearningRate(std::string_view name) {
  for (const NamedOptimizer& named : NamedOptimizers()) {
    if (named.name == name) return named.learning_rate;
  }
  return 1e-3;
}

absl::Status CheckOptimizerOptions(const OptimizerOptions& options) {
  struct Bound {
    const char* option;
    double value;
    bool is_fraction;
  };
  for (const Bound& bound : {
           Bound{"momentum", options.momentum, false},
           Bound{"weight decay", options.weight_decay, false},
           Bound{"alpha", options.alpha, false},
           Bound{"rho", options.rho, true},
           Bound{"epsilon", options.epsilon, false},
           Bound{"beta1", options.beta1, true},
           Bound{"beta2", options.beta2, true},
           Bound{"learning rate decay", options.learning_rate_decay, false},
           Bound{"initial accumulator value", options.initial_accumulator_value, false},
           Bound{"momentum decay", options.momentum_decay, false},
           Bound{"trust coefficient", options.trust_coefficient, false},
           Bound{"clip norm", options.clip_norm, false},
           Bound{"clip value", options.clip_value, false},
       }) {
    const bool is_right =
        bound.value >= 0 && std::isfinite(bound.value) && (!bound.is_fraction || bound.value < 1);
    if (is_right) continue;
    return absl::InvalidArgumentError(absl::StrCat("train: ", bound.option, " is ", bound.value,
                                                   ", expected a number ",
                                                   bound.is_fraction ? "in [0, 1)" : "from 0 on"));
  }
  const bool has_nesterov =
      options.kind == OptimizerKind::kSgd || options.kind == OptimizerKind::kLars;
  if (has_nesterov && options.nesterov && (options.momentum <= 0 || options.dampening != 0)) {
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
  const UpdateRule rule = RuleOf(options);
  for (ParameterGradient pair : parameters) {
    if (pair.learning_rate == kNoValue) pair.learning_rate = learning_rate;
    if (pair.step == kNoValue) pair.step = step;
    STROP_ASSIGN_OR_RETURN(const ValueId health, AddUpdate(graph, rule, pair, scale));
    outputs.health.push_back(health);
  }
  return outputs;
}

}  // namespace strop
