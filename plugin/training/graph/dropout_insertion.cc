#include "plugin/training/graph/dropout_insertion.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "importer/glob.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

// Which values depend on an input.
std::vector<bool> FindActivations(const Graph& graph) {
  std::vector<bool> is_activation(graph.values.size(), false);
  for (const ValueId input : graph.inputs) is_activation[static_cast<size_t>(input)] = true;
  for (const Node& node : graph.nodes) {
    const bool depends = std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
      return input != kNoValue && is_activation[static_cast<size_t>(input)];
    });
    for (const ValueId output : node.outputs) {
      if (output != kNoValue) is_activation[static_cast<size_t>(output)] = depends;
    }
  }
  return is_activation;
}

bool Matches(const std::string& pattern, const Graph& graph, const Node& node) {
  return MatchesGlob(pattern, node.name) || MatchesGlob(pattern, graph.value(node.outputs[0]).name);
}

}  // namespace

absl::Status InsertDropout(Graph& graph, const std::vector<std::string>& patterns) {
  if (patterns.empty()) return absl::OkStatus();
  const std::vector<bool> is_activation = FindActivations(graph);
  const GraphIndex index(graph);
  FreshValueNames names(graph);
  ValueReplacement dropped_values;
  std::vector<bool> is_used(patterns.size(), false);
  std::vector<Node> nodes;
  for (Node& original : graph.nodes) {
    dropped_values.ApplyTo(original);
    nodes.push_back(std::move(original));
    const Node& node = nodes.back();
    const ValueId output = node.outputs[0];
    const bool is_candidate = output != kNoValue && is_activation[static_cast<size_t>(output)] &&
                              IsFloating(graph.type(output).element_type) &&
                              !index.is_output(output);
    if (!is_candidate) continue;
    bool is_matched = false;
    for (size_t i = 0; i < patterns.size(); ++i) {
      if (!Matches(patterns[i], graph, node)) continue;
      is_used[i] = true;
      is_matched = true;
    }
    if (!is_matched) continue;
    const std::string name = absl::StrCat(node.name, "/dropout");
    const ValueId dropped = graph.AddValue(
        names.Take(absl::StrCat(graph.value(output).name, "/dropped")), graph.type(output));
    dropped_values.Set(output, dropped);
    nodes.push_back(Node{name, "", "Dropout", {}, {output}, {dropped}});
  }
  graph.nodes = std::move(nodes);
  dropped_values.ApplyToResults(graph);
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (is_used[i]) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "train: --dropout-at \"", patterns[i],
        "\" matches the name of no node that computes an activation; `strop train --dump import` "
        "lists them"));
  }
  return absl::OkStatus();
}

}  // namespace strop
