#include "graph/graph_index.h"

namespace strop {

GraphIndex::GraphIndex(const Graph& graph)
    : producers_(graph.values.size() + 1, -1),
      first_reader_(graph.values.size() + 2, 0),
      is_output_(graph.values.size() + 1, false),
      use_counts_(graph.values.size() + 1, 0) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const ValueId output : graph.nodes[n].outputs) {
      if (output != kNoValue) producers_[Place(output)] = static_cast<int>(n);
    }
    for (const ValueId input : graph.nodes[n].inputs) {
      if (input != kNoValue) ++use_counts_[Place(input)];
    }
  }
  // Readers lie by value: where each value's begin follows from how many there are.
  for (size_t i = 0; i < use_counts_.size(); ++i) {
    first_reader_[i + 1] = first_reader_[i] + static_cast<size_t>(use_counts_[i]);
  }
  readers_.resize(first_reader_.back());
  std::vector<size_t> next(first_reader_.begin(), first_reader_.end() - 1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    for (size_t i = 0; i < graph.nodes[n].inputs.size(); ++i) {
      const ValueId input = graph.nodes[n].inputs[i];
      if (input != kNoValue) readers_[next[Place(input)]++] = {n, i};
    }
  }
  for (const ValueId output : graph.outputs) {
    is_output_[Place(output)] = true;
    ++use_counts_[Place(output)];
  }
  for (const StateUpdate& update : graph.state_updates) {
    if (update.updated != kNoValue) ++use_counts_[Place(update.updated)];
  }
}

void ValueReplacement::Set(ValueId from, ValueId to) {
  const auto place = static_cast<size_t>(from);
  if (stand_ins_.size() <= place) stand_ins_.resize(place + 1, kNoValue);
  stand_ins_[place] = to;
}

void ValueReplacement::ApplyTo(Node& node) const {
  for (ValueId& input : node.inputs) input = Of(input);
}

void ValueReplacement::ApplyToResults(Graph& graph) const {
  for (ValueId& output : graph.outputs) output = Of(output);
  for (StateUpdate& update : graph.state_updates) update.updated = Of(update.updated);
}

}  // namespace strop
