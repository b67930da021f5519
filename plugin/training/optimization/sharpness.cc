#include "plugin/training/optimization/sharpness.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

ValueId AddAscendedState(Graph& graph, ValueId parameter) {
  const Value& value = graph.value(parameter);
  return graph.AddState(absl::StrCat(value.name, "/ascended"), value.tensor);
}

// ‖g‖, or ‖w·g‖, over all parameters.
absl::StatusOr<ValueId> AddNorm(Graph& graph, bool is_adaptive,
                                const std::vector<ParameterGradient>& parameters) {
  Node norm{"ascent_norm", std::string(kStropDomain), "GradientNorm"};
  for (const ParameterGradient& pair : parameters) {
    if (!is_adaptive) {
      norm.inputs.push_back(pair.gradient);
      continue;
    }
    const std::string name = absl::StrCat(graph.value(pair.parameter).name, "/scaled_gradient");
    STROP_ASSIGN_OR_RETURN(
        const std::vector<ValueId> scaled,
        AppendNode(graph, Node{name, "", "Mul", {}, {pair.parameter, pair.gradient}, {}}, 1));
    norm.inputs.push_back(scaled[0]);
  }
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> norms, AppendNode(graph, std::move(norm), 1));
  return norms[0];
}

}  // namespace

absl::Status CheckSharpnessOptions(const SharpnessOptions& options) {
  if (options.rho >= 0 && std::isfinite(options.rho)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("train: sam-rho is ", options.rho, ", expected a positive number"));
}

std::vector<StepPass> PassesOf(const SharpnessOptions& options) {
  using Kind = StepVariant::Kind;
  if (!options.is_on()) return {{Kind::kAccumulate, Kind::kUpdate}};
  return {{Kind::kAccumulate, Kind::kAscend},
          {Kind::kAccumulateAscended, Kind::kUpdate, /*is_repeated=*/true}};
}

absl::StatusOr<ValueId> AddAscent(Graph& graph, const SharpnessOptions& options,
                                  const std::vector<ParameterGradient>& parameters) {
  STROP_ASSIGN_OR_RETURN(const ValueId norm, AddNorm(graph, options.adaptive, parameters));
  for (const ParameterGradient& pair : parameters) {
    const ValueId ascended = AddAscendedState(graph, pair.parameter);
    Node node{absl::StrCat(graph.value(pair.parameter).name, "/ascent"),
              std::string(kStropDomain),
              "SharpnessAscent",
              {{"rho", options.rho}, {"adaptive", int64_t{options.adaptive}}},
              {pair.parameter, pair.gradient, norm},
              {}};
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> moved, AppendNode(graph, std::move(node), 1));
    graph.state_updates.push_back({ascended, moved[0]});
  }
  return norm;
}

std::map<ValueId, ValueId> ReadAscended(Graph& graph,
                                        const std::vector<ParameterGradient>& parameters) {
  ValueReplacement ascended;  // of parameters
  std::map<ValueId, ValueId> stand_ins;
  for (const ParameterGradient& pair : parameters) {
    const ValueId state = AddAscendedState(graph, pair.parameter);
    ascended.Set(pair.parameter, state);
    stand_ins[state] = pair.parameter;
  }
  for (Node& node : graph.nodes) ascended.ApplyTo(node);
  return stand_ins;
}

}  // namespace strop
