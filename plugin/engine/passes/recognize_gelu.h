#pragma once

#include "absl/status/status.h"
#include "graph/graph.h"

namespace strop {

// Exporters below opset 20 write GELU as five operators: 0.5·x·(1 + Erf(x/√2)), the factors in any
// order. Makes one Gelu of them, whose gradient keeps x alone instead of every step in between.
absl::Status RecognizeGelu(Graph& graph);

}  // namespace strop
