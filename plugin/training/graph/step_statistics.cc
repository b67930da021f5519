#include "plugin/training/graph/step_statistics.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"
#include "ops/training/tensor_statistics.h"

namespace strop {
namespace {

double Ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

// Which nodes the first output depends on: the forward pass.
std::vector<bool> FindForward(const Graph& graph, const GraphIndex& index) {
  std::vector<bool> is_forward(graph.nodes.size(), false);
  const auto reach = [&](ValueId id) {
    const int producer = index.producer(id);
    if (producer >= 0) is_forward[static_cast<size_t>(producer)] = true;
  };
  reach(graph.outputs[0]);
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    if (!is_forward[n]) continue;
    for (const ValueId input : graph.nodes[n].inputs) reach(input);
  }
  return is_forward;
}

// Where the units of each value lie: as in the nearest layer before it.
std::vector<int64_t> FindUnitAxes(const Graph& graph) {
  std::vector<int64_t> axes(graph.values.size(), 1);
  for (const Node& node : graph.nodes) {
    const UnitAxis units = FactsOf(node).output_units;
    int64_t axis = 1;
    if (units == UnitAxis::kLast) {
      axis = -1;
    } else if (units != UnitAxis::kOne && !node.inputs.empty() && node.inputs[0] != kNoValue) {
      axis = axes[static_cast<size_t>(node.inputs[0])];
    }
    for (const ValueId output : node.outputs) {
      if (output != kNoValue) axes[static_cast<size_t>(output)] = axis;
    }
  }
  return axes;
}

// A sigmoid that only weighs other values (squeeze and excitation, SiLU) closes on purpose.
bool IsGate(const Graph& graph, const GraphIndex& index, const Node& node) {
  bool is_read = false;
  for (const auto& [position, input] : index.readers(node.outputs[0])) {
    const Node& reader = graph.nodes[position];
    if (reader.domain == kStropDomain) continue;
    if (FactsOf(reader).combination != Combination::kProduct) return false;
    is_read = true;
  }
  return is_read;
}

// Adds the measuring nodes to a graph. Nodes are gathered by the position after which they stand
// and put in their places at the end.
class Attacher {
 public:
  Attacher(Graph& graph, bool takes_histograms)
      : graph_(graph),
        takes_histograms_(takes_histograms),
        index_(graph),
        is_forward_(FindForward(graph, index_)),
        unit_axes_(FindUnitAxes(graph)),
        node_count_(graph.nodes.size()) {}

  absl::Status MeasureParameters(absl::Span<const std::string> trained,
                                 const std::map<ValueId, ValueId>& stand_ins) {
    const std::set<std::string> names(trained.begin(), trained.end());
    std::map<ValueId, ValueId> updated;
    for (const StateUpdate& update : graph_.state_updates) {
      if (names.contains(graph_.value(update.state).name)) updated[update.state] = update.updated;
    }
    for (size_t n = 0; n < node_count_; ++n) {
      if (!is_forward_[n]) continue;
      const std::vector<ValueId> inputs = graph_.nodes[n].inputs;
      for (const ValueId input : inputs) {
        const auto parameter = stand_ins.find(input);
        const auto found = updated.find(parameter == stand_ins.end() ? input : parameter->second);
        if (found == updated.end()) continue;
        const StateUpdate update{found->first, found->second};
        updated.erase(found);
        STROP_RETURN_IF_ERROR(MeasureParameter(update, graph_.nodes[n].name));
      }
    }
    return absl::OkStatus();
  }

  absl::Status MeasureActivations() {
    for (size_t n = 0; n < node_count_; ++n) {
      const Node& node = graph_.nodes[n];
      const OpDefinition& op = FactsOf(node);
      if (!is_forward_[n] || !op.watch || node.outputs.empty() || node.outputs[0] == kNoValue ||
          !IsFloating(graph_.type(node.outputs[0]).element_type)) {
        continue;
      }
      const OutputWatch& watch = *op.watch;
      const bool saturates = watch.can_saturate() && !IsGate(graph_, index_, node);
      Attributes attributes;
      if (watch.can_die) {
        attributes.Set("unit_axis", unit_axes_[static_cast<size_t>(node.inputs[0])]);
      }
      if (saturates) {
        attributes.Set("saturated_below", watch.saturated_below);
        attributes.Set("saturated_above", watch.saturated_above);
      }
      layers_.activations.push_back({node.name, node.op_type, watch.can_die, saturates});
      const std::string name = absl::StrCat(node.name, "/statistics");
      const std::vector<ValueId> inputs = {node.outputs[0]};
      STROP_RETURN_IF_ERROR(Measure(static_cast<int>(n), name, inputs, std::move(attributes)));
    }
    return absl::OkStatus();
  }

  WatchedLayers Finish() {
    std::vector<Node> ordered;
    ordered.reserve(graph_.nodes.size());
    for (size_t n = 0; n < node_count_; ++n) {
      ordered.push_back(std::move(graph_.nodes[n]));
      for (Node& node : after_[static_cast<int>(n)]) ordered.push_back(std::move(node));
    }
    graph_.nodes = std::move(ordered);
    return std::move(layers_);
  }

 private:
  // The old weight is copied just before the update takes its place: right behind what the update
  // waits for. Gradients and copies then live no longer than they must.
  absl::Status MeasureParameter(const StateUpdate& update, const std::string& layer) {
    const int position = index_.producer(update.updated);
    if (position < 0) return absl::OkStatus();
    const Node& node = graph_.nodes[static_cast<size_t>(position)];
    if (node.inputs.size() < 2 || node.inputs[0] != update.state || node.inputs[1] == kNoValue) {
      return absl::InternalError(absl::StrCat("train: update ", NodeLabel(node),
                                              " does not begin with parameter and gradient"));
    }
    int ready = 0;
    for (const ValueId input : node.inputs) {
      ready = std::max(ready, index_.producer(input));
    }
    const ValueId gradient = node.inputs[1];
    const Value& parameter = graph_.value(update.state);
    const std::string name = parameter.name;
    const Shape shape = parameter.tensor.shape();
    layers_.parameters.push_back({name, layer, ElementCount(shape), shape.size() >= 2});
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> snapshot,
                           Append(ready,
                                  {absl::StrCat(name, "/before"),
                                   std::string(kStropDomain),
                                   "Snapshot",
                                   {},
                                   {update.state}},
                                  1));
    const int produced = std::max(index_.producer(gradient), 0);
    STROP_RETURN_IF_ERROR(
        Measure(produced, absl::StrCat(name, "/gradient_statistics"), {gradient}));
    STROP_RETURN_IF_ERROR(Measure(position, absl::StrCat(name, "/statistics"), {snapshot[0]}));
    return Measure(position, absl::StrCat(name, "/update_statistics"),
                   {update.updated, snapshot[0]});
  }

  absl::Status Measure(int position, std::string name, std::vector<ValueId> inputs,
                       Attributes attributes = {}) {
    const bool is_difference = inputs.size() > 1;
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs,
                           Append(position,
                                  {std::move(name), std::string(kStropDomain), "TensorStatistics",
                                   std::move(attributes), std::move(inputs)},
                                  takes_histograms_ && !is_difference ? 2 : 1));
    graph_.outputs.push_back(outputs[0]);
    if (takes_histograms_ && !is_difference) graph_.outputs.push_back(outputs[1]);
    return absl::OkStatus();
  }

  // AppendNode, for a place behind the node that now stands at `position`.
  absl::StatusOr<std::vector<ValueId>> Append(int position, Node node, size_t output_count) {
    STROP_ASSIGN_OR_RETURN(std::vector<ValueId> outputs,
                           AppendNode(graph_, std::move(node), output_count));
    after_[position].push_back(std::move(graph_.nodes.back()));
    graph_.nodes.pop_back();
    return outputs;
  }

  Graph& graph_;
  const bool takes_histograms_;
  const GraphIndex index_;  // of the graph that nothing measures yet
  const std::vector<bool> is_forward_;
  const std::vector<int64_t> unit_axes_;
  const size_t node_count_;
  WatchedLayers layers_;
  std::map<int, std::vector<Node>> after_;
};

TensorMeasurement ReadMeasurement(absl::Span<const Tensor> outputs, bool has_histogram,
                                  size_t& next) {
  const absl::Span<const double> numbers = outputs[next++].elements<double>();
  TensorMeasurement measured;
  measured.not_finite = numbers[kStatisticNotFinite];
  measured.finite = numbers[kStatisticFinite];
  measured.sum = numbers[kStatisticSum];
  measured.sum_of_squares = numbers[kStatisticSumOfSquares];
  measured.minimum = numbers[kStatisticMinimum];
  measured.maximum = numbers[kStatisticMaximum];
  measured.zeros = numbers[kStatisticZeros];
  measured.saturated = numbers[kStatisticSaturated];
  measured.units = numbers[kStatisticUnits];
  measured.dead_units = numbers[kStatisticDeadUnits];
  if (!has_histogram) return measured;
  const absl::Span<const int64_t> counts = outputs[next++].elements<int64_t>();
  measured.histogram.assign(counts.begin(), counts.end());
  return measured;
}

}  // namespace

double TensorMeasurement::deviation() const {
  if (finite <= 0) return 0;
  return std::sqrt(std::max(sum_of_squares / finite - mean() * mean(), 0.0));
}

double StepStatistics::Parameter::update_ratio() const { return Ratio(update_norm, weight.norm()); }

double StepStatistics::gradient_norm() const {
  double squares = 0;
  for (const Parameter& parameter : parameters) squares += parameter.gradient.sum_of_squares;
  return std::sqrt(squares);
}

double StepStatistics::update_ratio() const {
  double updates = 0;
  double weights = 0;
  for (const Parameter& parameter : parameters) {
    updates += parameter.update_norm * parameter.update_norm;
    weights += parameter.weight.sum_of_squares;
  }
  return Ratio(std::sqrt(updates), std::sqrt(weights));
}

absl::StatusOr<StepProbe> StepProbe::Attach(Graph& graph, absl::Span<const std::string> trained,
                                            bool takes_histograms,
                                            const std::map<ValueId, ValueId>& stand_ins) {
  StepProbe probe;
  probe.first_output_ = graph.outputs.size();
  probe.takes_histograms_ = takes_histograms;
  Attacher attacher(graph, takes_histograms);
  STROP_RETURN_IF_ERROR(attacher.MeasureParameters(trained, stand_ins));
  STROP_RETURN_IF_ERROR(attacher.MeasureActivations());
  probe.layers_ = std::make_shared<const WatchedLayers>(attacher.Finish());
  return probe;
}

StepStatistics StepProbe::Read(absl::Span<const Tensor> outputs) const {
  StepStatistics statistics;
  statistics.layers = layers_;
  size_t next = first_output_;
  for (size_t i = 0; i < layers_->parameters.size(); ++i) {
    StepStatistics::Parameter parameter;
    parameter.gradient = ReadMeasurement(outputs, takes_histograms_, next);
    parameter.weight = ReadMeasurement(outputs, takes_histograms_, next);
    parameter.update_norm = ReadMeasurement(outputs, false, next).norm();
    statistics.parameters.push_back(std::move(parameter));
  }
  for (size_t i = 0; i < layers_->activations.size(); ++i) {
    statistics.activations.push_back(ReadMeasurement(outputs, takes_histograms_, next));
  }
  return statistics;
}

}  // namespace strop
