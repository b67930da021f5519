#include "plugin/engine/plan/schedule.h"

#include <algorithm>

#include "graph/graph_index.h"

namespace strop {
namespace {

size_t BytesOf(const Graph& graph, const std::vector<ValueId>& values) {
  size_t bytes = 0;
  for (const ValueId id : values) {
    if (id == kNoValue) continue;
    bytes += BytesFor(graph.type(id).element_type, ElementCount(*graph.type(id).shape));
  }
  return bytes;
}

// Which nodes may move: those whose new values of states, and those whose small results, feed
// nothing but nodes that may move themselves.
std::vector<bool> FindMovable(const Graph& graph, const GraphIndex& index, bool has_late_inputs) {
  std::vector<bool> updates(graph.nodes.size(), false);
  for (const StateUpdate& update : graph.state_updates) {
    const int producer = index.producer(update.updated);
    if (producer >= 0) updates[static_cast<size_t>(producer)] = true;
  }
  std::vector<bool> is_read(graph.nodes.size(), false);
  std::vector<bool> feeds_fixed(graph.nodes.size(), false);
  std::vector<bool> is_movable(graph.nodes.size(), false);
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    const bool observes = !has_late_inputs && !is_read[n] &&
                          BytesOf(graph, node.outputs) < BytesOf(graph, node.inputs);
    is_movable[n] = !feeds_fixed[n] && (updates[n] || observes);
    for (const ValueId input : node.inputs) {
      const int producer = index.producer(input);
      if (producer < 0) continue;
      is_read[static_cast<size_t>(producer)] = true;
      if (!is_movable[n]) feeds_fixed[static_cast<size_t>(producer)] = true;
    }
  }
  return is_movable;
}

// For every node that moves the position after which it may stand, that of a node that stays:
// behind its inputs' producers, and behind the readers of the states among its inputs.
std::vector<int> FindReady(const Graph& graph, const GraphIndex& index,
                           const std::vector<bool>& is_movable) {
  std::vector<int> ready(graph.nodes.size());
  std::vector<int> last_reader(graph.values.size(), -1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    ready[n] = is_movable[n] ? -1 : static_cast<int>(n);
    if (is_movable[n]) continue;
    for (const ValueId input : graph.nodes[n].inputs) {
      if (input != kNoValue) last_reader[static_cast<size_t>(input)] = static_cast<int>(n);
    }
  }
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!is_movable[n]) continue;
    for (const ValueId input : graph.nodes[n].inputs) {
      if (input == kNoValue) continue;
      const int producer = index.producer(input);
      if (producer >= 0) ready[n] = std::max(ready[n], ready[static_cast<size_t>(producer)]);
      if (graph.value(input).kind == ValueKind::kState) {
        ready[n] = std::max(ready[n], last_reader[static_cast<size_t>(input)]);
      }
    }
    // Readers that move and stand before this node stay before it.
    for (const ValueId input : graph.nodes[n].inputs) {
      if (input == kNoValue || graph.value(input).kind != ValueKind::kState) continue;
      int& last = last_reader[static_cast<size_t>(input)];
      last = std::max(last, ready[n]);
    }
  }
  return ready;
}

}  // namespace

void ScheduleUpdatesEarly(Graph& graph, bool has_late_inputs) {
  const GraphIndex index(graph);
  const std::vector<bool> is_movable = FindMovable(graph, index, has_late_inputs);
  const std::vector<int> ready = FindReady(graph, index, is_movable);
  std::vector<std::vector<size_t>> movable_after(graph.nodes.size() + 1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (is_movable[n]) movable_after[static_cast<size_t>(ready[n] + 1)].push_back(n);
  }
  std::vector<Node> ordered;
  ordered.reserve(graph.nodes.size());
  for (size_t n = 0; n <= graph.nodes.size(); ++n) {
    for (const size_t moved : movable_after[n]) ordered.push_back(std::move(graph.nodes[moved]));
    if (n < graph.nodes.size() && !is_movable[n]) ordered.push_back(std::move(graph.nodes[n]));
  }
  graph.nodes = std::move(ordered);
}

}  // namespace strop
