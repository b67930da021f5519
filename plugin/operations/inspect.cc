// strop inspect: what a model takes and gives, what of it can be trained, and what stands in the
// way, all at once.

#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/differentiate/gradient_reach.h"
#include "plugin/options/model_options.h"
#include "plugin/session/runtime_differences.h"
#include "plugin/session/vector_jacobian.h"
#include "plugin/training/graph/quantized_model.h"
#include "plugin/training/graph/target_form.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions {
  ModelOptions model;
  bool as_json = false;
  bool as_dot = false;
};

struct OpRow {
  int count = 0;
  std::string gradient;  // by input, of the definition
};

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

int64_t Count(const TensorType& type) { return type.shape ? ElementCount(*type.shape) : 0; }

std::map<std::string, OpRow> OpTable(const Graph& graph) {
  std::map<std::string, OpRow> table;
  for (const Node& node : graph.nodes) {
    const std::string name =
        node.domain.empty() ? node.op_type : absl::StrCat(node.domain, ".", node.op_type);
    OpRow& row = table[name];
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

void PrintJson(const ImportedModel& model) {
  const std::map<ValueId, std::string> unreached = Unreached(model);
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
    const auto found = unreached.find(parameter.value);
    if (found != unreached.end()) row["no_gradient"] = found->second;
    parameters.push_back(std::move(row));
  }
  Json ops = Json::array();
  for (const auto& [name, row] : OpTable(model.graph)) {
    ops.push_back({{"op", name}, {"count", row.count}, {"gradient", row.gradient}});
  }
  const Json page = {{"model", model.path},
                     {"inputs", InterfaceJson(model.graph, model.graph.inputs)},
                     {"outputs", InterfaceJson(model.graph, model.graph.outputs)},
                     {"parameters", parameters},
                     {"ops", ops},
                     {"obstacles", Obstacles(model, unreached)},
                     {"runtime_differences", RuntimeDifferences(model.graph)}};
  std::printf("%s\n", page.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
}

void PrintInterface(const char* title, const Graph& graph, const std::vector<ValueId>& ids) {
  std::printf("%s\n", title);
  for (const ValueId id : ids) {
    std::printf("  %-40s %s\n", graph.value(id).name.c_str(), TypeName(graph.type(id)).c_str());
  }
}

void PrintParameters(const ImportedModel& model, const std::map<ValueId, std::string>& unreached) {
  std::map<Parameter::Role, int64_t> elements;
  int64_t unmoved = 0;
  for (const Parameter& parameter : model.parameters) {
    const int64_t count = Count(model.graph.type(parameter.value));
    elements[parameter.role] += count;
    if (unreached.contains(parameter.value)) unmoved += count;
  }
  const std::string without =
      unmoved == 0 ? "" : absl::StrCat(" (", unmoved, " of them get no gradient)");
  std::printf("Parameters: %lld elements trained%s, %lld frozen, %lld statistics\n",
              static_cast<long long>(elements[Parameter::Role::kTrained]), without.c_str(),
              static_cast<long long>(elements[Parameter::Role::kFrozen]),
              static_cast<long long>(elements[Parameter::Role::kStatistics]));
  for (const Parameter& parameter : model.parameters) {
    const auto found = unreached.find(parameter.value);
    std::printf("  %-10s %-40s %-24s %s%s\n", RoleName(parameter.role).c_str(),
                parameter.name.c_str(), TypeName(model.graph.type(parameter.value)).c_str(),
                parameter.reason.c_str(),
                found == unreached.end()
                    ? ""
                    : absl::StrCat(", but it gets no gradient: ", found->second).c_str());
  }
}

void PrintText(const ImportedModel& model) {
  PrintInterface("Inputs", model.graph, model.graph.inputs);
  PrintInterface("Outputs", model.graph, model.graph.outputs);
  const std::map<ValueId, std::string> unreached = Unreached(model);
  PrintParameters(model, unreached);
  std::printf("Operators: %zu nodes; gradient by input\n", model.graph.nodes.size());
  for (const auto& [name, row] : OpTable(model.graph)) {
    std::printf("  %6d  %-32s %s\n", row.count, name.c_str(), row.gradient.c_str());
  }
  const std::vector<std::string> obstacles = Obstacles(model, unreached);
  std::printf("%s\n", obstacles.empty() ? "Nothing stands in the way of training."
                                        : "What stands in the way of training:");
  for (const std::string& obstacle : obstacles) std::printf("  %s\n", obstacle.c_str());
  const std::vector<std::string> differences = RuntimeDifferences(model.graph);
  if (!differences.empty()) std::printf("What other runtimes compute otherwise:\n");
  for (const std::string& difference : differences) std::printf("  %s\n", difference.c_str());
}

absl::Status RunInspect(const InspectOptions& options) {
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, LoadModel(options.model));
  if (options.as_dot) {
    std::printf("%s", PrintGraphviz(model.graph).c_str());
  } else if (options.as_json) {
    PrintJson(model);
  } else {
    PrintText(model);
  }
  return absl::OkStatus();
}

}  // namespace

Command InspectCommand() {
  const auto options = std::make_shared<InspectOptions>();
  options->model.listener = TerminalListener();
  options->model.keeps_half_types = true;
  Command command{.name = "inspect",
                  .help = "Interface, parameters, operators; what stands in the way of training",
                  .footer = "Example: strop inspect model.onnx --freeze 'encoder.*'",
                  .run = [options] { return RunInspect(*options); }};
  OptionSet& set = *command.options;
  AddModelArgument(set, options->model);
  set.Add({{.name = "json", .target = &options->as_json, .help = "As JSON"},
           {.name = "dot",
            .target = &options->as_dot,
            .excludes = {"json"},
            .help = "The graph, for Graphviz"}});
  AddSelectionOptions(set, options->model);
  return command;
}

}  // namespace strop
