#pragma once

#include "graph/graph.h"

namespace strop {

// What this machine reaches, measured now with the threads that training uses.
struct MachineRates {
  double operations_per_second = 0;  // of a large float32 matrix product by oneDNN
  double bytes_per_second = 0;       // of STREAM's triad, a[i] = b[i] + s·c[i]
};

// Takes about a second.
MachineRates MeasureRates();

// The least time of one execution of a specialised graph: Σ over nodes of
// max(operations / rate, bytes / rate).
double LeastSeconds(const Graph& graph, const MachineRates& rates);

}  // namespace strop
