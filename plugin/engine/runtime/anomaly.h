#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "plugin/engine/plan/step_plan.h"

namespace strop {

// Whether a status is an AnomalyDetector's.
bool IsAnomaly(const absl::Status& status);
// Whether the step's first output was bad as well.
bool SpoilsFirstOutput(const absl::Status& status);

// Watches one step, kernel by kernel, for the first number that went bad: NaN or infinity out of
// finite numbers, NaN out of infinities, or NaN in what the step was given. It speaks up when a bad
// number reached a result of the step; an infinity that a mask adds and a Softmax takes away is
// none. Not thread-safe.
class AnomalyDetector {
 public:
  // `plan` must outlive it.
  explicit AnomalyDetector(const StepPlan& plan);

  void BeginStep();
  // Around the kernel of instruction `index`, which may write over what it reads.
  void BeforeKernel(size_t index, absl::Span<const void* const> inputs);
  void AfterKernel(size_t index, absl::Span<void* const> outputs);

  // FailedPrecondition naming the node and its output, or the input or state, that was bad first.
  absl::Status EndStep() const;

 private:
  enum class Badness { kFinite, kInfinite, kNotANumber };

  Badness BadnessOf(int slot, const void* bytes) const;
  bool IsSource(int slot, Badness badness) const;
  bool IsBadResult(int slot, Badness badness) const;
  bool IsFirstOutput(int slot) const;
  std::string Describe(int slot, Badness badness) const;

  const StepPlan& plan_;
  std::vector<bool> is_updated_;  // by value: a state that the step moves
  Badness of_inputs_ = Badness::kFinite;
  bool reached_result_ = false;
  bool reached_first_output_ = false;
  std::string first_;  // what went bad first; empty: nothing
};

}  // namespace strop
