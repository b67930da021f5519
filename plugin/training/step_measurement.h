#pragma once

#include <cstdint>

namespace strop {

// How much a step tells of its tensors, besides the loss.
enum class StepMeasurement {
  kNone,
  kStatistics,  // numbers of every parameter and activation
  kHistograms,  // and how their elements are spread
};

// How often a run measures its tensors.
struct MeasurementOptions {
  int64_t log_every = 0;        // steps between two measured ones; 0: none is
  int64_t histogram_every = 0;  // steps between histograms; 0: at the ends of epochs
};

// What step `step`, which counts from 1 over all epochs, measures: the first one everything, later
// ones as the options say. An epoch has `steps_per_epoch` steps, of which the first
// `full_steps_per_epoch` see full batches: its histograms are of the last of those, unless its end
// comes less than log_every steps after another's. The answer depends on nothing else, so that a
// resumed run measures the same steps.
StepMeasurement MeasurementOf(const MeasurementOptions& options, int64_t step,
                              int64_t steps_per_epoch, int64_t full_steps_per_epoch);

}  // namespace strop
