#pragma once

#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/training/graph/step_variant.h"
#include "plugin/training/graph/training_graph.h"

namespace strop {

// The sessions of a run by variant, over one store and one arena. All random operators draw by the
// count that a step is given, whichever variant runs. Not thread-safe.
class StepSessions {
 public:
  // `arena` as in Session::Create: sessions outside that run in turn with these may share it.
  StepSessions(std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena, PlanOptions plan,
               uint64_t seed);

  // Adds a variant, whose states the store gets. Nothing is planned yet.
  absl::Status Add(const StepVariant& variant, TrainingGraph graph);
  size_t arena_bytes() const { return arena_->bytes(); }

  // Plans every variant for the shapes of `batch`, in one order whatever runs first.
  absl::Status Prepare(absl::Span<const Tensor> batch);

  // Session::Run of the variant, which must have been added, on a batch of the model's inputs and
  // the target; `draw` tells steps apart for random operators.
  absl::StatusOr<absl::Span<const Tensor>> Run(const StepVariant& variant, int64_t draw,
                                               absl::Span<const Tensor> batch,
                                               const StepNumbers& numbers);

  // Runs a step that went wrong again, looking at every number: FailedPrecondition naming what went
  // bad first, OK when nothing does.
  absl::Status Diagnose(const StepVariant& variant, int64_t draw, absl::Span<const Tensor> batch,
                        const StepNumbers& numbers);

 private:
  struct Step {
    std::unique_ptr<Session> session;
    std::vector<StepScalar> scalars;
  };

  std::shared_ptr<StateStore> store_;
  std::shared_ptr<Arena> arena_;
  PlanOptions plan_;
  uint64_t seed_ = 0;
  std::map<StepVariant, Step> steps_;
};

}  // namespace strop
