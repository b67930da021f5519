#pragma once

#include <limits>

#include "graph/graph.h"

namespace strop {

// What is worth measuring of an operator's output while it trains.
struct WatchedOperator {
  std::string_view name;
  // Rectifiers, whose units can be 0 for every sample: no gradient reaches them any more.
  bool can_die = false;
  // Outputs beyond these are where the slope is below a tenth of its maximum.
  double saturated_below = -std::numeric_limits<double>::infinity();
  double saturated_above = std::numeric_limits<double>::infinity();

  bool can_saturate() const { return saturated_above < std::numeric_limits<double>::infinity(); }
};

// The row of a node's operator: activation functions, normalizations, and what multiplies with
// weights; null for all others.
const WatchedOperator* FindWatchedOperator(const Node& node);

// Whether the operator's outputs have their units, the channels, at axis 1; the others that
// multiply with weights have them at the last axis.
bool HasUnitsAtAxisOne(const Node& node);
bool HasUnitsAtLastAxis(const Node& node);

}  // namespace strop
