#pragma once

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

// Who computes and who reads each value of a graph, found in one walk over it. A snapshot: it knows
// the values that there were, and nodes by where they stood. kNoValue is a value that nothing
// computes or reads. For names see unique_names.h.
class GraphIndex {
 public:
  // graph.nodes[node].inputs[input]
  struct Reader {
    size_t node = 0;
    size_t input = 0;
  };

  explicit GraphIndex(const Graph& graph);

  // Index into graph.nodes of the node that computes the value; -1 for one that no node does.
  int producer(ValueId value) const { return producers_[Place(value)]; }

  // The nodes' inputs that take the value, in the order of the nodes.
  absl::Span<const Reader> readers(ValueId value) const {
    const size_t first = first_reader_[Place(value)];
    const size_t end = first_reader_[Place(value) + 1];
    return absl::MakeConstSpan(readers_).subspan(first, end - first);
  }

  bool is_output(ValueId value) const { return is_output_[Place(value)]; }

  // How many times the value is read: by nodes, as a graph output, by a state update.
  int use_count(ValueId value) const { return use_counts_[Place(value)]; }

 private:
  // Of a value in the vectors; the first is kNoValue's.
  static size_t Place(ValueId value) { return static_cast<size_t>(value - kNoValue); }

  std::vector<int> producers_;
  std::vector<size_t> first_reader_;  // in `readers_`; one more closes the last
  std::vector<Reader> readers_;
  std::vector<bool> is_output_;
  std::vector<int> use_counts_;
};

// Values that stand in for others, for all their readers in one walk.
class ValueReplacement {
 public:
  // Whoever reads `from` is to read `to`, which stays: it is not replaced in its turn.
  void Set(ValueId from, ValueId to);

  // What is read in place of a value: itself, if nothing stands in for it.
  ValueId Of(ValueId value) const {
    const bool is_replaced = value >= 0 && static_cast<size_t>(value) < stand_ins_.size() &&
                             stand_ins_[static_cast<size_t>(value)] != kNoValue;
    return is_replaced ? stand_ins_[static_cast<size_t>(value)] : value;
  }

  void ApplyTo(Node& node) const;
  // What a graph reads itself: its outputs and state updates.
  void ApplyToResults(Graph& graph) const;

 private:
  std::vector<ValueId> stand_ins_;  // by value; kNoValue where there is none
};

}  // namespace strop
