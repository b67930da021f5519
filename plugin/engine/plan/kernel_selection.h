#pragma once

#include <vector>

#include "plugin/engine/plan/step_plan.h"

namespace strop {

// Chooses a kernel for every node of `plan.graph`, in order, together with the layouts of all
// values: a kernel reads what its producers leave where it can, and reorders are inserted where it
// cannot. Fills plan.slots and plan.instructions; slots that share memory by being views share
// roots, nothing is placed yet.
absl::Status SelectKernels(StepPlan& plan, const StateLayouts& state_layouts,
                           const PlanOptions& options);

}  // namespace strop
