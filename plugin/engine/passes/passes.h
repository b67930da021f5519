#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "plugin/engine/plan/plan_options.h"

namespace strop {

// One rewrite of a graph that keeps what it computes.
struct Pass {
  std::string_view name;  // for PlanOptions::disabled_passes
  std::string_view why;
  absl::Status (*run)(Graph& graph);
};

// The passes over a graph as it was imported, before it is differentiated, in order.
absl::Span<const Pass> SimplifyingPasses();

// The passes over a specialised graph, forward and backward together, in order.
absl::Span<const Pass> OptimizingPasses();

// Run the enabled passes; with options.verify the verifier after each.
absl::Status Simplify(Graph& graph, const PlanOptions& options);
absl::Status Optimize(Graph& graph, const PlanOptions& options);

}  // namespace strop
