#include "plugin/operations/inspect.h"

#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/differentiate/gradient_reach.h"
#include "plugin/session/runtime_differences.h"
#include "plugin/session/vector_jacobian.h"
#include "plugin/training/graph/quantized_model.h"
#include "plugin/training/graph/target_form.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

std::map<std::string, Inspection::Operator> OpTable(const Graph& graph) {
  std::map<std::string, Inspection::Operator> table;
  for (const Node& node : graph.nodes) {
    const std::string name =
        node.domain.empty() ? node.op_type : absl::StrCat(node.domain, ".", node.op_type);
    Inspection::Operator& row = table[name];
    if (++row.count > 1) continue;
    const OpDefinition* op = FindOp(node.domain, node.op_type);
    if (op == nullptr) continue;
    for (size_t i = 0; i < node.inputs.size() && i < 8; ++i) {
      const Differentiability of_input = op->differentiability_of(i);
      absl::StrAppend(&row.gradient, row.gradient.empty() ? "" : " ",
                      of_input == Differentiability::kDifferentiable      ? "yes"
                      : of_input == Differentiability::kNotDifferentiable ? "no"
                                                                          : "missing");
    }
  }
  return table;
}

// Why no gradient reaches a parameter that is to be trained, by its value. The first output is what
// a loss sees by default.
std::map<ValueId, std::string> Unreached(const ImportedModel& model) {
  std::map<ValueId, std::string> unreached;
  const absl::StatusOr<Differentiation> differentiation = ChooseDifferentiation(model, {});
  if (!differentiation.ok()) return unreached;
  const ValueId output = differentiation->outputs[0];
  const std::string destination = absl::StrCat("output \"", model.graph.value(output).name, "\"");
  const GradientReach reach(model.graph, {output});
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role != Parameter::Role::kTrained) continue;
    const std::optional<std::string> reason = reach.WhyNot(parameter.value, destination);
    if (reason) unreached[parameter.value] = *reason;
  }
  return unreached;
}

// What would fail before the first step of a training, one line each.
std::vector<std::string> Obstacles(const ImportedModel& model,
                                   const std::map<ValueId, std::string>& unreached) {
  std::vector<std::string> obstacles;
  const absl::StatusOr<Differentiation> differentiation = ChooseDifferentiation(model, {});
  if (!differentiation.ok()) return {std::string(differentiation.status().message())};
  const Value& output = model.graph.value(differentiation->outputs[0]);
  if (output.type.shape && output.type.shape->empty()) {
    obstacles.push_back(SingleNumberProblem(output.name));
  }
  std::vector<ValueId> trained;
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role == Parameter::Role::kTrained) trained.push_back(parameter.value);
  }
  if (trained.empty()) {
    obstacles.push_back("nothing is trained: no floating constant enters as a weight; see --train");
  }
  if (!trained.empty() && unreached.size() == trained.size()) {
    obstacles.push_back("no gradient reaches anything that is trained");
  }
  for (std::string& obstacle :
       DifferentiationObstacles(model.graph, {differentiation->outputs[0]}, trained)) {
    obstacles.push_back(std::move(obstacle));
  }
  const std::string advice = obstacles.empty() ? "" : AdviceOnQuantized(model.graph);
  if (trained.empty() && !advice.empty()) return {advice};  // --train would not help
  if (!advice.empty()) obstacles.push_back(advice);
  return obstacles;
}

Json InterfaceJson(const Graph& graph, const std::vector<ValueId>& ids) {
  Json rows = Json::array();
  for (const ValueId id : ids) {
    const TensorType& type = graph.type(id);
    Json shape = nullptr;
    if (type.shape) {
      shape = Json::array();
      for (const int64_t dimension : *type.shape) {
        shape.push_back(dimension == kUnknownDimension ? Json(nullptr) : Json(dimension));
      }
    }
    rows.push_back({{"name", graph.value(id).name},
                    {"type", std::string(DataTypeName(type.element_type))},
                    {"shape", shape}});
  }
  return rows;
}

}  // namespace

void AddInspectOptions(OptionSet& set, InspectOptions& options) {
  AddModelArgument(set, options.model);
  set.Add({{.name = "dot", .target = &options.as_dot, .help = "The graph, for Graphviz"}});
  AddSelectionOptions(set, options.model);
}

absl::StatusOr<Inspection> Inspect(const InspectOptions& options) {
  Inspection inspection;
  STROP_ASSIGN_OR_RETURN(inspection.model, LoadModel(options.model));
  if (options.as_dot) return inspection;
  const ImportedModel& model = inspection.model;
  inspection.operators = OpTable(model.graph);
  inspection.unreached = Unreached(model);
  inspection.obstacles = Obstacles(model, inspection.unreached);
  inspection.differences = RuntimeDifferences(model.graph);
  return inspection;
}

std::string RoleName(Parameter::Role role) {
  switch (role) {
    case Parameter::Role::kTrained:
      return "trained";
    case Parameter::Role::kFrozen:
      return "frozen";
    case Parameter::Role::kStatistics:
      return "statistics";
  }
  return "";
}

Json ToJson(const Inspection& inspection) {
  const ImportedModel& model = inspection.model;
  Json parameters = Json::array();
  for (const Parameter& parameter : model.parameters) {
    const TensorType& type = model.graph.type(parameter.value);
    Json shape = Json::array();
    for (const int64_t dimension : *type.shape) shape.push_back(dimension);
    Json row = {{"name", parameter.name},
                {"type", std::string(DataTypeName(type.element_type))},
                {"shape", shape},
                {"role", RoleName(parameter.role)},
                {"reason", parameter.reason}};
    const auto found = inspection.unreached.find(parameter.value);
    if (found != inspection.unreached.end()) row["no_gradient"] = found->second;
    parameters.push_back(std::move(row));
  }
  Json ops = Json::array();
  for (const auto& [name, row] : inspection.operators) {
    ops.push_back({{"op", name}, {"count", row.count}, {"gradient", row.gradient}});
  }
  return {{"model", model.path},
          {"inputs", InterfaceJson(model.graph, model.graph.inputs)},
          {"outputs", InterfaceJson(model.graph, model.graph.outputs)},
          {"parameters", parameters},
          {"ops", ops},
          {"obstacles", inspection.obstacles},
          {"runtime_differences", inspection.differences}};
}

Operation InspectOperation() {
  Operation operation(kInspect);
  const auto options = std::make_shared<InspectOptions>();
  AddInspectOptions(*operation.options, *options);
  operation.run = [options](const OperationCallbacks& callbacks) -> absl::StatusOr<Json> {
    options->model.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const Inspection inspection, Inspect(*options));
    if (options->as_dot) return Json{{"dot", PrintGraphviz(inspection.model.graph)}};
    return ToJson(inspection);
  };
  return operation;
}

}  // namespace strop
