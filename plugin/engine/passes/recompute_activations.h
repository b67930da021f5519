#pragma once

#include "absl/status/status.h"
#include "graph/graph.h"
#include "plugin/engine/passes/passes.h"

namespace strop {

inline constexpr Pass kRecomputeActivations = {
    .name = "recompute-activations",
    .why = "What the backward pass can make again from what lives anyway need not live until it."};

// Lets the backward pass compute cheap activations again instead of keeping them: what an operator
// that can run in place makes of values that the backward pass reads later anyway (the output of a
// Gelu or a LayerNormalization, whose gradients need the input). The results keep their bits.
// `graph` is a whole training step; values from `first_backward` on were added by Differentiate and
// what followed it.
absl::Status RecomputeActivations(Graph& graph, ValueId first_backward);

}  // namespace strop
