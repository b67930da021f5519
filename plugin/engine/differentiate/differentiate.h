#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"

namespace strop {

// A value and the cotangent that flows back into it.
struct OutputCotangent {
  ValueId output = kNoValue;
  ValueId cotangent = kNoValue;  // of the same type; kNoValue: ones (a scalar loss)
};

// Reverse-mode differentiation as a graph transformation: appends to `graph` the nodes that compute
// Σ cotangentᵀ · ∂output/∂wrt[i] and returns one gradient a `wrt`, of that value's type. Gradients
// of values used several times are summed, broadcasting is undone; forward nodes gain the outputs
// that their rules save. A `wrt` on which no output depends gets kNoValue.
//
// Unimplemented, listing every place by node name, when an input on the way to a `wrt` has a
// gradient that is not written.
absl::StatusOr<std::vector<ValueId>> Differentiate(Graph& graph,
                                                   absl::Span<const OutputCotangent> outputs,
                                                   absl::Span<const ValueId> wrt);

// The places that would make Differentiate fail, one line each; empty when it can succeed.
std::vector<std::string> DifferentiationObstacles(const Graph& graph,
                                                  absl::Span<const ValueId> outputs,
                                                  absl::Span<const ValueId> wrt);

}  // namespace strop
