#include "plugin/plan/schedule.h"

#include <algorithm>

namespace strop {

void ScheduleUpdatesEarly(Graph& graph) {
  const std::vector<int> producers = graph.Producers();
  std::vector<bool> is_update(graph.nodes.size(), false);
  for (const StateUpdate& update : graph.state_updates) {
    const int producer = producers[static_cast<size_t>(update.updated)];
    if (producer >= 0) is_update[static_cast<size_t>(producer)] = true;
  }
  // A node whose outputs feed other nodes than updates stays where it is.
  for (const Node& node : graph.nodes) {
    for (const ValueId input : node.inputs) {
      if (input == kNoValue) continue;
      const int producer = producers[static_cast<size_t>(input)];
      if (producer >= 0) is_update[static_cast<size_t>(producer)] = false;
    }
  }
  // The position after which an update may run: its inputs' producers, and every other reader of
  // the states among its inputs.
  std::vector<int> last_reader(graph.values.size(), -1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (is_update[n]) continue;
    for (const ValueId input : graph.nodes[n].inputs) {
      if (input != kNoValue) last_reader[static_cast<size_t>(input)] = static_cast<int>(n);
    }
  }
  std::vector<std::vector<size_t>> updates_after(graph.nodes.size() + 1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (!is_update[n]) continue;
    int ready = -1;
    for (const ValueId input : graph.nodes[n].inputs) {
      if (input == kNoValue) continue;
      ready = std::max(ready, producers[static_cast<size_t>(input)]);
      if (graph.value(input).kind == ValueKind::kState) {
        ready = std::max(ready, last_reader[static_cast<size_t>(input)]);
      }
    }
    updates_after[static_cast<size_t>(ready + 1)].push_back(n);
  }
  std::vector<Node> ordered;
  ordered.reserve(graph.nodes.size());
  for (size_t n = 0; n <= graph.nodes.size(); ++n) {
    for (const size_t update : updates_after[n]) ordered.push_back(std::move(graph.nodes[update]));
    if (n < graph.nodes.size() && !is_update[n]) ordered.push_back(std::move(graph.nodes[n]));
  }
  graph.nodes = std::move(ordered);
}

}  // namespace strop
