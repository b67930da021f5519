#pragma once

#include "absl/status/status.h"
#include "graph/graph.h"

namespace strop {

// Exporters write a linear layer as MatMul(x, Transpose(weight)). Makes one MatMulTransposed of it:
// the weight is read as it lies, no transposed copy of it waits for the backward pass, and its
// gradient comes out as it lies too.
absl::Status FoldWeightTransposes(Graph& graph);

}  // namespace strop
