// strop inspect: what a model takes and gives, what of it can be trained, and what stands in the
// way, all at once.

#include "plugin/operations/inspect.h"

#include <cstdio>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

int64_t Count(const TensorType& type) { return type.shape ? ElementCount(*type.shape) : 0; }

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

void PrintText(const Inspection& inspection) {
  const ImportedModel& model = inspection.model;
  PrintInterface("Inputs", model.graph, model.graph.inputs);
  PrintInterface("Outputs", model.graph, model.graph.outputs);
  PrintParameters(model, inspection.unreached);
  std::printf("Operators: %zu nodes; gradient by input\n", model.graph.nodes.size());
  for (const auto& [name, row] : inspection.operators) {
    std::printf("  %6d  %-32s %s\n", row.count, name.c_str(), row.gradient.c_str());
  }
  const std::vector<std::string>& obstacles = inspection.obstacles;
  std::printf("%s\n", obstacles.empty() ? "Nothing stands in the way of training."
                                        : "What stands in the way of training:");
  for (const std::string& obstacle : obstacles) std::printf("  %s\n", obstacle.c_str());
  const std::vector<std::string>& differences = inspection.differences;
  if (!differences.empty()) std::printf("What other runtimes compute otherwise:\n");
  for (const std::string& difference : differences) std::printf("  %s\n", difference.c_str());
}

absl::Status RunInspect(const InspectOptions& options, bool as_json) {
  STROP_ASSIGN_OR_RETURN(const Inspection inspection, Inspect(options));
  if (options.as_dot) {
    std::printf("%s", PrintGraphviz(inspection.model.graph).c_str());
  } else if (as_json) {
    const Json page = ToJson(inspection);
    std::printf("%s\n", page.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    PrintText(inspection);
  }
  return absl::OkStatus();
}

}  // namespace

Command InspectCommand() {
  const auto options = std::make_shared<InspectOptions>();
  options->model.listener = TerminalListener();
  Command command{.name = kInspect.name,
                  .help = kInspect.help,
                  .footer = "Example: strop inspect model.onnx --freeze 'encoder.*'"};
  AddInspectOptions(*command.options, *options);
  command.options->AddBehind("MODEL", {JsonOption(command, "As JSON")});
  command.options->at("dot").excludes = {"json"};
  command.run = [options, as_json = command.as_json] { return RunInspect(*options, *as_json); };
  return command;
}

}  // namespace strop
