#include "plugin/training/optimization/parameter_groups.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "importer/glob.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

absl::Status CheckOptions(const ParameterGroupOptions& options) {
  if (!(options.layer_decay > 0 && options.layer_decay <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("train: layer decay is ", options.layer_decay,
                                                   ", expected a number in (0, 1]"));
  }
  for (const ParameterGroup& group : options.groups) {
    const double decay = group.weight_decay.value_or(0);
    const bool is_right = group.learning_rate_scale >= 0 &&
                          std::isfinite(group.learning_rate_scale) && decay >= 0 &&
                          std::isfinite(decay);
    if (is_right) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("train: group \"", group.pattern,
                     "\": expected a learning rate and a weight decay from 0 on"));
  }
  return absl::OkStatus();
}

// Null when the parameter is in no group.
const ParameterGroup* GroupOf(const std::string& name, const ParameterGroupOptions& options) {
  const auto matches = [&](const ParameterGroup& group) {
    return MatchesGlob(group.pattern, name);
  };
  const auto found = std::find_if(options.groups.begin(), options.groups.end(), matches);
  return found == options.groups.end() ? nullptr : &*found;
}

absl::Status CheckThatPatternsMatch(const ImportedModel& model,
                                    const ParameterGroupOptions& options) {
  for (const ParameterGroup& group : options.groups) {
    const auto matches = [&](const Parameter& parameter) {
      return parameter.role == Parameter::Role::kTrained &&
             MatchesGlob(group.pattern, model.graph.value(parameter.value).name);
    };
    if (std::any_of(model.parameters.begin(), model.parameters.end(), matches)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("train: group \"", group.pattern,
                     "\" matches no trained tensor; `strop inspect` lists them"));
  }
  return absl::OkStatus();
}

// Dimensions other than 1: two or more make a matrix.
bool IsMatrix(const Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](int64_t d) { return d != 1; }) > 1;
}

// One Mul a scale, made when it is first asked for.
class ScaledRates {
 public:
  ScaledRates(Graph& graph, ValueId learning_rate)
      : graph_(graph), names_(graph), learning_rate_(learning_rate) {}

  absl::StatusOr<ValueId> Times(double scale) {
    if (scale == 1) return learning_rate_;
    const auto found = rates_.find(scale);
    if (found != rates_.end()) return found->second;
    const std::string name = names_.Take(absl::StrCat("learning_rate_times_", scale));
    const ValueId factor = graph_.AddConstant(name, Tensor::Scalar<double>(scale));
    STROP_ASSIGN_OR_RETURN(
        const std::vector<ValueId> product,
        AppendNode(graph_, Node{name, "", "Mul", {}, {learning_rate_, factor}, {}}, 1));
    rates_[scale] = product[0];
    return product[0];
  }

 private:
  Graph& graph_;
  FreshValueNames names_;
  ValueId learning_rate_;
  std::map<double, ValueId> rates_;
};

}  // namespace

std::map<std::string, int> LayersOfParameters(const ImportedModel& model) {
  const Graph& graph = model.graph;
  // Per value: layers below it, and the parameters that it is made of while it depends on no input.
  std::vector<int> layers(graph.values.size(), 0);
  std::vector<std::set<ValueId>> made_of(graph.values.size());
  std::vector<bool> is_activation(graph.values.size(), false);
  for (const ValueId input : graph.inputs) is_activation[static_cast<size_t>(input)] = true;
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role != Parameter::Role::kTrained) continue;
    made_of[static_cast<size_t>(parameter.value)] = {parameter.value};
  }
  std::map<std::string, int> result;
  for (const Node& node : graph.nodes) {
    int layer = 0;
    bool reads_activation = false;
    std::set<ValueId> parameters;
    for (const ValueId input : node.inputs) {
      if (input == kNoValue) continue;
      const auto i = static_cast<size_t>(input);
      layer = std::max(layer, layers[i]);
      reads_activation = reads_activation || is_activation[i];
      parameters.insert(made_of[i].begin(), made_of[i].end());
    }
    if (reads_activation) {
      const auto is_matrix = [&](ValueId id) { return IsMatrix(*graph.type(id).shape); };
      if (std::any_of(parameters.begin(), parameters.end(), is_matrix)) ++layer;
      // A tied table is in the layer of its first reader.
      for (const ValueId id : parameters) result.try_emplace(graph.value(id).name, layer);
      parameters.clear();
    }
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      layers[static_cast<size_t>(output)] = layer;
      is_activation[static_cast<size_t>(output)] = reads_activation;
      made_of[static_cast<size_t>(output)] = parameters;
    }
  }
  return result;
}

absl::Status ApplyParameterGroups(Graph& graph, const ImportedModel& model,
                                  const ParameterGroupOptions& options, ValueId learning_rate,
                                  std::vector<ParameterGradient>& parameters) {
  STROP_RETURN_IF_ERROR(CheckOptions(options));
  STROP_RETURN_IF_ERROR(CheckThatPatternsMatch(model, options));
  std::map<std::string, const Parameter*> by_name;
  for (const Parameter& parameter : model.parameters) {
    by_name[model.graph.value(parameter.value).name] = &parameter;
  }
  std::map<std::string, int> layers;
  if (options.layer_decay != 1) layers = LayersOfParameters(model);
  int last_layer = 0;
  for (const auto& [name, layer] : layers) last_layer = std::max(last_layer, layer);
  ScaledRates rates(graph, learning_rate);
  for (ParameterGradient& pair : parameters) {
    const std::string& name = graph.value(pair.parameter).name;
    if (options.no_decay_norms_and_biases && by_name[name]->is_norm_or_bias) {
      pair.weight_decay = 0;
    }
    double scale = 1;
    if (const ParameterGroup* group = GroupOf(name, options); group != nullptr) {
      scale = group->learning_rate_scale;
      if (group->weight_decay) pair.weight_decay = group->weight_decay;
    }
    if (options.layer_decay != 1) scale *= std::pow(options.layer_decay, last_layer - layers[name]);
    STROP_ASSIGN_OR_RETURN(pair.learning_rate, rates.Times(scale));
  }
  return absl::OkStatus();
}

}  // namespace strop
