#pragma once

#include <map>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/runtime/session.h"
#include "plugin/training/step_measurement.h"

namespace strop {

// Which of a run's graphs a step is.
struct StepVariant {
  enum class Kind {
    kUpdate,  // forward, backward, update
  };
  Kind kind = Kind::kUpdate;
  StepMeasurement measurement = StepMeasurement::kNone;

  auto operator<=>(const StepVariant&) const = default;
};

// The sessions of a run by variant, over one store and one arena. All random operators draw by the
// count that a step is given, whichever variant runs. Not thread-safe.
class StepSessions {
 public:
  // `arena` as in Session::Create: sessions outside that run in turn with these may share it.
  StepSessions(std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena, PlanOptions plan,
               uint64_t seed);

  // Adds a variant, whose states the store gets. Nothing is planned before its first step.
  absl::Status Add(const StepVariant& variant, Graph graph);
  bool Has(const StepVariant& variant) const { return sessions_.contains(variant); }

  // Session::Run of the variant, which must have been added; `draw` tells steps apart for random
  // operators.
  absl::StatusOr<absl::Span<const Tensor>> Run(const StepVariant& variant, int64_t draw,
                                               absl::Span<const Tensor> inputs);

 private:
  std::shared_ptr<StateStore> store_;
  std::shared_ptr<Arena> arena_;
  PlanOptions plan_;
  uint64_t seed_ = 0;
  std::map<StepVariant, std::unique_ptr<Session>> sessions_;
};

}  // namespace strop
