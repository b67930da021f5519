#pragma once

#include <cstdint>

namespace strop {

// How much a step tells of its tensors, besides the loss.
enum class StepMeasurement {
  kNone,
  kStatistics,  // numbers of every parameter and activation
  kHistograms,  // and how their elements are spread
};

// After which steps, which count from 1, a run tells of itself. It follows from the step alone, so
// that a resumed run tells of the same ones.
struct LogCadence {
  int64_t every = 0;  // steps; 0: never
  // From every step on and by and by less often, until `every` is reached: short runs have curves
  // too, of all their steps or at least twenty.
  bool is_dense_at_first = false;

  // Steps between two of these about `step`.
  int64_t IntervalAt(int64_t step) const;
  bool Takes(int64_t step) const { return every > 0 && step % IntervalAt(step) == 0; }
};

// How often a run measures its tensors.
struct MeasurementOptions {
  LogCadence log;
  int64_t histogram_every = 0;  // steps between histograms; 0: at the ends of epochs
};

// What step `step`, which counts from 1 over all epochs, measures: the first one everything, later
// ones as the options say. An epoch has `steps_per_epoch` steps, of which the first
// `full_steps_per_epoch` see full batches: its histograms are of the last of those, unless its end
// comes less than a log interval after another's.
StepMeasurement MeasurementOf(const MeasurementOptions& options, int64_t step,
                              int64_t steps_per_epoch, int64_t full_steps_per_epoch);

}  // namespace strop
