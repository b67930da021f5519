#include "plugin/engine/passes/passes.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "plugin/engine/passes/fold_weight_transposes.h"
#include "plugin/engine/passes/merge_equal_nodes.h"
#include "plugin/engine/passes/recognize_gelu.h"
#include "plugin/engine/passes/recompute_activations.h"

namespace strop {
namespace {

constexpr Pass kSimplifyingPasses[] = {
    {"fold-weight-transposes", "Linear layers multiply with the weight as it lies in memory.",
     FoldWeightTransposes},
    {"recognize-gelu", "Five operators and four stored activations become one of each.",
     RecognizeGelu},
};

constexpr Pass kOptimizingPasses[] = {
    {"merge-equal-nodes",
     "Gradient rules recompute what the forward pass or another rule has computed already.",
     MergeEqualNodes},
};

bool IsDisabled(const Pass& pass, const PlanOptions& options) {
  const std::vector<std::string>& disabled = options.disabled_passes;
  return pass.is_optional &&
         std::find(disabled.begin(), disabled.end(), pass.name) != disabled.end();
}

absl::Status Under(std::string_view label, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(std::string(label), ": ", std::string(status.message())));
}

absl::Status RunPasses(absl::Span<const Pass> passes, std::string_view stage, Graph& graph,
                       const PlanOptions& options) {
  for (const Pass& pass : passes) {
    const auto run = [&pass](Graph& rewritten) { return Under(pass.name, pass.run(rewritten)); };
    const absl::Status status = RunPass(pass, graph, options, run);
    if (!status.ok()) return Under(stage, status);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const Pass> SimplifyingPasses() { return kSimplifyingPasses; }
absl::Span<const Pass> OptimizingPasses() { return kOptimizingPasses; }

std::vector<std::string> OptionalPassNames() {
  std::vector<std::string> names;
  for (const Pass& pass : kSimplifyingPasses) names.emplace_back(pass.name);
  names.emplace_back(kRecomputeActivations.name);
  for (const Pass& pass : kOptimizingPasses) names.emplace_back(pass.name);
  return names;
}

absl::Status RunPass(const Pass& pass, Graph& graph, const PlanOptions& options,
                     absl::FunctionRef<absl::Status(Graph& graph)> run) {
  using Clock = std::chrono::steady_clock;
  if (IsDisabled(pass, options)) return absl::OkStatus();
  const Clock::time_point start = Clock::now();
  PassReport report = {.name = pass.name, .nodes_before = graph.nodes.size()};
  absl::Status status = run(graph);
  if (status.ok() && options.verify) status = Under(pass.name, VerifyGraph(graph));
  if (!status.ok()) return status;
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  report.nodes_after = graph.nodes.size();
  if (options.on_pass) options.on_pass(report);
  return absl::OkStatus();
}

absl::Status Simplify(Graph& graph, const PlanOptions& options) {
  return RunPasses(kSimplifyingPasses, "simplify", graph, options);
}

absl::Status Optimize(Graph& graph, const PlanOptions& options) {
  return RunPasses(kOptimizingPasses, "optimize", graph, options);
}

}  // namespace strop
