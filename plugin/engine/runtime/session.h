#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/graph.h"
#include "plugin/engine/plan/plan_options.h"
#include "plugin/engine/runtime/arena.h"
#include "plugin/engine/runtime/state_store.h"

namespace strop {

// Drops the first values of the graph's states, once a store has them. Graphs that were copied from
// one model share these tensors: memory comes back when the last of them lets go.
void ReleaseStateTensors(Graph& graph);

// Runs one graph, step after step. The first call with new input shapes plans them; later calls
// with the same shapes allocate nothing. Not thread-safe, but sessions of their own stores and
// arenas may run in threads at the same time: each computes on the calling thread's OpenMP team, of
// as many threads as it was made for (PlanOptions::threads).
class Session {
 public:
  // `store` may be shared with other sessions; states that it lacks are added with the graph's
  // first values. So may `arena`, by sessions that run in turn: together they need the memory of
  // the largest. Null gives the session its own.
  static absl::StatusOr<std::unique_ptr<Session>> Create(Graph graph,
                                                         std::shared_ptr<StateStore> store,
                                                         PlanOptions options = {},
                                                         std::shared_ptr<Arena> arena = nullptr);
  ~Session();

  const Graph& graph() const;
  StateStore& store() const;

  // One step: `inputs` in the order of graph().inputs, dense, of the graph's element types.
  // Returns the outputs in the order of graph().outputs; the tensors are the session's own buffers,
  // valid until the next Run or Prepare, so clone what must last. State updates have taken effect.
  absl::StatusOr<absl::Span<const Tensor>> Run(absl::Span<const Tensor> inputs);

  // Run in two parts, of a session that has PlanOptions::late_inputs, for numbers that follow from
  // what the step itself gives out. Begin takes all inputs, the late ones for their types and
  // shapes only, and returns with the outputs that do not depend on those; End takes the late ones
  // and returns with all. Until End the inputs stay as they are, and nothing else runs on the
  // arena. FailedPrecondition for an End without its Begin.
  absl::StatusOr<absl::Span<const Tensor>> Begin(absl::Span<const Tensor> inputs);
  absl::StatusOr<absl::Span<const Tensor>> End(absl::Span<const Tensor> late_inputs);

  // Plans the shapes of `inputs` without running, so that mistakes show before the first step.
  absl::Status Prepare(absl::Span<const Tensor> inputs);

  // Random kernels draw from (seed, step, node). `step` counts the calls of Run and can be set, to
  // resume a run.
  void set_seed(uint64_t seed);
  void set_step(uint64_t step);
  uint64_t step() const;

  // The newest plan's graph after specialisation and passes, for --dump optimize.
  std::string DescribeOptimizedGraph() const;
  // What the newest plan looks like, for --dump plan: nodes, kernels, layouts, offsets.
  std::string DescribePlan() const;
  // Bytes of the newest plan's arena.
  size_t arena_bytes() const;

 private:
  struct Implementation;
  explicit Session(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace strop
