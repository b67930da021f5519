#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "plugin/plan/plan_options.h"

namespace strop {

// One rewrite of a specialised graph that keeps what it computes.
struct Pass {
  std::string_view name;  // for PlanOptions::disabled_passes
  std::string_view why;
  absl::Status (*run)(Graph& graph);
};

// All passes in the order in which they run.
absl::Span<const Pass> Passes();

// Runs the enabled passes; with options.verify the verifier after each.
absl::Status Optimize(Graph& graph, const PlanOptions& options);

}  // namespace strop
