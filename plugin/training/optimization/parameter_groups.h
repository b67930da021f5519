#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "importer/importer.h"
#include "plugin/training/optimization/optimizer.h"

namespace strop {

// Parameters that are trained otherwise than the rest: PyTorch's parameter groups, by name.
struct ParameterGroup {
  std::string pattern;             // glob (* and ?) on parameter names
  double learning_rate_scale = 1;  // to the run's rate, whatever the schedule makes of it
  std::optional<double> weight_decay;
};

struct ParameterGroupOptions {
  // A parameter belongs to the first group whose pattern matches its name.
  std::vector<ParameterGroup> groups;
  // Hugging Face's habit: no decay for what the rule of parameters calls bias, scale, slope or
  // gain, unless its group says otherwise.
  bool no_decay_norms_and_biases = false;
  // Layer-wise decay of the learning rate: times layer_decay for every layer between a parameter
  // and the last one. A layer is a step on the longest way from the inputs through operators that
  // read trained matrices; vectors (biases, normalizations) belong to the layer before them.
  double layer_decay = 1;
};

// Gives every parameter its rate, as a scalar of the graph that follows `learning_rate`, and its
// decay. InvalidArgument when a value makes no sense or a pattern matches no trained parameter.
absl::Status ApplyParameterGroups(Graph& graph, const ImportedModel& model,
                                  const ParameterGroupOptions& options, ValueId learning_rate,
                                  std::vector<ParameterGradient>& parameters);

// How many layers lie at and below each parameter of the model, by name: 1 for the first.
std::map<std::string, int> LayersOfParameters(const ImportedModel& model);

}  // namespace strop
