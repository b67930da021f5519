#include "plugin/passes/passes.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/passes/merge_equal_nodes.h"

namespace strop {
namespace {

constexpr Pass kPasses[] = {
    {"merge-equal-nodes",
     "Gradient rules recompute what the forward pass or another rule has computed already.",
     MergeEqualNodes},
};

}  // namespace

absl::Span<const Pass> Passes() { return kPasses; }

absl::Status Optimize(Graph& graph, const PlanOptions& options) {
  for (const Pass& pass : kPasses) {
    if (options.disabled_passes.contains(std::string(pass.name))) continue;
    absl::Status status = pass.run(graph);
    if (status.ok() && options.verify) status = VerifyGraph(graph);
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("optimize: ", std::string(pass.name), ": ",
                                                      std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

}  // namespace strop
