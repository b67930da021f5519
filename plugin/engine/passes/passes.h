#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "plugin/engine/plan/plan_options.h"

namespace strop {

// A rewrite of a graph, by name.
struct Pass {
  std::string_view name;
  std::string_view why;
  // Null where it takes more than the graph: who has that calls RunPass.
  absl::Status (*run)(Graph& graph) = nullptr;
  // The graph computes the same without it, so that PlanOptions::disabled_passes may skip it. Else
  // it is what the user asked for.
  bool is_optional = true;
};

// The passes over a graph as it was imported, before it is differentiated, in order.
absl::Span<const Pass> SimplifyingPasses();

// The passes over a specialised graph, forward and backward together, in order.
absl::Span<const Pass> OptimizingPasses();

// What PlanOptions::disabled_passes may name: those above, and recompute-activations between them.
std::vector<std::string> OptionalPassNames();

// Runs the pass by `run`, unless it is disabled; with options.verify the verifier after it. Errors
// of `run` are passed on as they are.
absl::Status RunPass(const Pass& pass, Graph& graph, const PlanOptions& options,
                     absl::FunctionRef<absl::Status(Graph& graph)> run);

// Run the passes of a list.
absl::Status Simplify(Graph& graph, const PlanOptions& options);
absl::Status Optimize(Graph& graph, const PlanOptions& options);

}  // namespace strop
