#include "plugin/training/external_loss/external_loss_graph.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

absl::Status CheckOptions(const TrainingGraphOptions& options) {
  const char* refused = options.sharpness.is_on()     ? "sharpness-aware minimization"
                        : options.accumulates         ? "accumulation"
                        : !options.unfreezing.empty() ? "unfreezing"
                                                      : nullptr;
  if (refused == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "train: ", refused, " repeats or counts steps, which a loss from outside cannot follow"));
}

}  // namespace

absl::StatusOr<ExternalLossGraph> BuildExternalLossGraph(const ImportedModel& model,
                                                         const TrainingGraphOptions& options,
                                                         const PlanOptions& plan) {
  STROP_RETURN_IF_ERROR(CheckOptions(options));
  ExternalLossGraph external;
  const auto attach = [&](TrainingGraph& training) -> absl::StatusOr<StepObjective> {
    Graph& graph = training.graph;
    StepObjective objective;
    FreshValueNames names(graph);
    objective.name = "the outputs";
    Node norm{"outputs_gradient_norm", std::string(kStropDomain), "GradientNorm"};
    for (const ValueId output : graph.outputs) {
      const std::string name = graph.value(output).name;
      const TensorType type = graph.type(output);
      if (!IsFloating(type.element_type)) continue;
      const ValueId gradient = graph.AddInput(names.Take(absl::StrCat(name, "_gradient")), type);
      external.outputs.push_back({name, type});
      objective.outputs.push_back(output);
      objective.cotangents.push_back({output, gradient});
      norm.inputs.push_back(gradient);
    }
    if (norm.inputs.empty()) {
      return absl::InvalidArgumentError("train: the model has no output that has a gradient");
    }
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> norms, AppendNode(graph, std::move(norm), 1));
    objective.loss = norms[0];
    return objective;
  };
  STROP_ASSIGN_OR_RETURN(external.step, BuildStepGraph(model, options, plan, {}, attach));
  const Graph& graph = external.step.graph;
  external.first_output = graph.outputs.size() - external.outputs.size();
  external.late_inputs = static_cast<int>(graph.inputs.size() - external.step.inputs.size());
  return external;
}

}  // namespace strop
