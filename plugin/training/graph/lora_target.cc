#include "plugin/training/graph/lora_target.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "importer/glob.h"
#include "ops/core/registry.h"

namespace strop {
namespace {

using Weight = LinearLayer::Weight;

constexpr std::string_view kEverything = "*";

// Pattern: the transpose of a matrix between a weight and its layer.
bool IsMatrixTranspose(const Node& node) {
  const std::vector<int64_t> swap = {1, 0};
  return node.domain.empty() && node.op_type == "Transpose" &&
         node.attributes.Ints("perm", swap) == swap;
}

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return MatchesGlob(pattern, name); });
}

// A weight as its readers see it. `obstacle` says why it cannot have an adapter.
struct Candidate {
  LoraTarget target;
  std::string obstacle;
};

class TargetFinder {
 public:
  TargetFinder(const ImportedModel& model, const GraphIndex& index, int64_t rank)
      : model_(model), graph_(model.graph), index_(index), rank_(rank) {}

  // Nothing when no Gemm, MatMul or Conv takes the parameter for its weight.
  std::optional<Candidate> Find(size_t parameter) const {
    Candidate candidate;
    candidate.target.parameter = parameter;
    const ValueId weight = model_.parameters[parameter].value;
    AddReaders(weight, /*is_transposed=*/false, candidate);
    if (candidate.target.nodes.empty()) return std::nullopt;
    const size_t rank = graph_.type(weight).shape->size();
    const bool is_convolution = candidate.target.layer.weight == Weight::kFilters;
    if (!is_convolution && rank != 2) {
      Refuse(candidate, absl::StrCat("it has ", rank, " dimensions, expected a matrix"));
    }
    std::sort(candidate.target.nodes.begin(), candidate.target.nodes.end());
    return candidate;
  }

 private:
  static void Refuse(Candidate& candidate, std::string obstacle) {
    if (candidate.obstacle.empty()) candidate.obstacle = std::move(obstacle);
  }

  void AddReaders(ValueId value, bool is_transposed, Candidate& candidate) const {
    for (const GraphIndex::Reader& reader : index_.readers(value)) {
      const Node& node = graph_.nodes[reader.node];
      if (!is_transposed && IsMatrixTranspose(node)) {
        AddReaders(node.outputs[0], true, candidate);
        continue;
      }
      const std::optional<LinearLayer> layer = LayerOf(node, reader.input, is_transposed);
      if (layer) {
        AddNode(reader.node, *layer, candidate);
      } else {
        Refuse(candidate, absl::StrCat(NodeLabel(node),
                                       " reads it too, and would see what the adapter changes"));
      }
    }
    if (index_.is_output(value)) Refuse(candidate, "it is an output of the model");
  }

  // The layer whose weight is that input, as it sees a weight that is transposed on the way.
  static std::optional<LinearLayer> LayerOf(const Node& node, size_t input, bool is_transposed) {
    const OpDefinition& op = FactsOf(node);
    if (op.linear_layer == nullptr || input != kLinearWeight) return std::nullopt;
    LinearLayer layer = op.linear_layer(node);
    if (!is_transposed) return layer;
    if (layer.weight == Weight::kFilters) return std::nullopt;
    layer.weight = layer.weight == Weight::kInputsByOutputs ? Weight::kOutputsByInputs
                                                            : Weight::kInputsByOutputs;
    return layer;
  }

  void AddNode(size_t node, const LinearLayer& layer, Candidate& candidate) const {
    if (layer.groups < 1 || rank_ % layer.groups != 0) {
      Refuse(candidate, absl::StrCat(NodeLabel(graph_.nodes[node]), " has ", layer.groups,
                                     " groups, expected a divisor of the rank, ", rank_));
    }
    LoraTarget& target = candidate.target;
    if (target.nodes.empty()) {
      target.layer = layer;
    } else if (target.layer != layer) {
      Refuse(candidate, "its nodes read it in different ways");
    }
    target.nodes.push_back(node);
  }

  const ImportedModel& model_;
  const Graph& graph_;
  const GraphIndex& index_;
  const int64_t rank_;
};

// Pattern: operators behind which an output layer may stand: they turn, pool or normalize what it
// gives.
bool LeavesClasses(const Node& node) {
  constexpr std::string_view kOperators[] = {
      "Softmax", "LogSoftmax", "Sigmoid",           "Identity",    "Cast",       "Reshape",
      "Flatten", "Squeeze",    "Unsqueeze",         "Transpose",   "Resize",     "Slice",
      "Relu",    "Gather",     "GlobalAveragePool", "AveragePool", "ReduceMean", "Add"};
  return node.domain.empty() && std::find(std::begin(kOperators), std::end(kOperators),
                                          node.op_type) != std::end(kOperators);
}

// Which nodes are the linear layer that an output of the model comes from, where no more lies
// between.
std::vector<bool> FindOutputLayers(const Graph& graph, const GraphIndex& index) {
  std::vector<bool> is_layer(graph.nodes.size(), false);
  std::vector<bool> is_seen(graph.nodes.size(), false);
  for (const ValueId output : graph.outputs) {
    ValueId value = output;
    while (index.producer(value) >= 0) {
      const auto n = static_cast<size_t>(index.producer(value));
      if (is_seen[n]) break;
      is_seen[n] = true;
      const Node& node = graph.nodes[n];
      is_layer[n] = FactsOf(node).linear_layer != nullptr;
      if (is_layer[n] || !LeavesClasses(node)) break;
      // A sum passes only as the addition of a bias.
      const auto is_computed = [&](ValueId input) { return index.producer(input) >= 0; };
      if (std::count_if(node.inputs.begin(), node.inputs.end(), is_computed) != 1) break;
      value = *std::find_if(node.inputs.begin(), node.inputs.end(), is_computed);
    }
  }
  return is_layer;
}

bool Matches(const std::string& pattern, const ImportedModel& model, const LoraTarget& target) {
  if (MatchesGlob(pattern, model.parameters[target.parameter].name)) return true;
  return std::any_of(target.nodes.begin(), target.nodes.end(), [&](size_t node) {
    return MatchesGlob(pattern, model.graph.nodes[node].name);
  });
}

}  // namespace

absl::StatusOr<LoraTargets> FindLoraTargets(const ImportedModel& model,
                                            const std::vector<std::string>& patterns,
                                            const ParameterSelection& selection, int64_t rank) {
  const GraphIndex index(model.graph);
  const TargetFinder finder(model, index, rank);
  const std::vector<bool> makes_output = FindOutputLayers(model.graph, index);
  std::vector<bool> is_used(patterns.size(), false);
  bool has_output_layer = false;
  LoraTargets found;
  for (size_t p = 0; p < model.parameters.size(); ++p) {
    const Parameter& parameter = model.parameters[p];
    if (parameter.role != Parameter::Role::kTrained || parameter.is_new) continue;
    if (MatchesAny(selection.train, parameter.name)) continue;
    const std::optional<Candidate> candidate = finder.Find(p);
    if (!candidate) continue;
    const std::vector<size_t>& nodes = candidate->target.nodes;
    const bool is_output_layer =
        std::any_of(nodes.begin(), nodes.end(), [&](size_t node) { return makes_output[node]; });
    has_output_layer = has_output_layer || is_output_layer;
    bool is_asked_for = false;
    for (size_t i = 0; i < patterns.size(); ++i) {
      const bool is_all_linear = patterns[i] == kAllLinear;
      if (is_all_linear ? is_output_layer : !Matches(patterns[i], model, candidate->target)) {
        continue;
      }
      is_used[i] = true;
      is_asked_for = true;
      if (candidate->obstacle.empty() || is_all_linear || patterns[i] == kEverything) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("lora: \"", parameter.name, "\" (", parameter.reason, "), which --lora \"",
                       patterns[i], "\" matches, cannot have an adapter: ", candidate->obstacle,
                       "; leave it out with --freeze, or with another pattern"));
    }
    if (!is_asked_for) continue;
    if (candidate->obstacle.empty()) {
      found.targets.push_back(candidate->target);
    } else {
      found.left_out.push_back({parameter.name, candidate->obstacle});
    }
  }
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (is_used[i] || patterns[i] == kAllLinear || patterns[i] == kEverything) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "lora: --lora \"", patterns[i],
        "\" matches no weight of a Gemm, MatMul or Conv, by its own name or the node's; "
        "`strop inspect` lists them"));
  }
  if (!found.targets.empty()) return found;
  if (has_output_layer && found.left_out.empty()) {
    return absl::InvalidArgumentError(
        "lora: found no weight of a Gemm, MatMul or Conv before the output layer, expected at "
        "least one; give the output layer an adapter with --lora '*'");
  }
  return absl::InvalidArgumentError(
      "lora: found no weight of a Gemm, MatMul or Conv that can have an adapter, expected at least "
      "one; see `strop inspect`, and train with --train-only instead");
}

}  // namespace strop
