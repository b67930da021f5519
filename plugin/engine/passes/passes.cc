#include "plugin/engine/passes/passes.h"

#include "absl/strings/str_cat.h"
#include "plugin/engine/passes/fold_weight_transposes.h"
#include "plugin/engine/passes/merge_equal_nodes.h"
#include "plugin/engine/passes/recognize_gelu.h"

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

absl::Status RunPasses(absl::Span<const Pass> passes, std::string_view stage, Graph& graph,
                       const PlanOptions& options) {
  for (const Pass& pass : passes) {
    if (options.disabled_passes.contains(std::string(pass.name))) continue;
    absl::Status status = pass.run(graph);
    if (status.ok() && options.verify) status = VerifyGraph(graph);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat(std::string(stage), ": ", std::string(pass.name), ": ",
                                       std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const Pass> SimplifyingPasses() { return kSimplifyingPasses; }
absl::Span<const Pass> OptimizingPasses() { return kOptimizingPasses; }

absl::Status Simplify(Graph& graph, const PlanOptions& options) {
  return RunPasses(kSimplifyingPasses, "simplify", graph, options);
}

absl::Status Optimize(Graph& graph, const PlanOptions& options) {
  return RunPasses(kOptimizingPasses, "optimize", graph, options);
}

}  // namespace strop
