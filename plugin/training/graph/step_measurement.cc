#include "plugin/training/graph/step_measurement.h"

#include <algorithm>

namespace strop {
namespace {

bool TakesHistograms(const MeasurementOptions& options, int64_t step, int64_t steps_per_epoch,
                     int64_t full_steps_per_epoch) {
  if (options.histogram_every > 0) return step % options.histogram_every == 0;
  const int64_t step_of_epoch = (step - 1) % steps_per_epoch + 1;
  if (step_of_epoch != std::max<int64_t>(full_steps_per_epoch, 1)) return false;
  const int64_t interval = options.log.IntervalAt(step);
  return step / interval != (step - steps_per_epoch) / interval;
}

}  // namespace

int64_t LogCadence::IntervalAt(int64_t step) const {
  constexpr int64_t kDense = 10;  // intervals that a step is away from the start
  return is_dense_at_first ? std::clamp<int64_t>(step / kDense, 1, every) : every;
}

StepMeasurement MeasurementOf(const MeasurementOptions& options, int64_t step,
                              int64_t steps_per_epoch, int64_t full_steps_per_epoch) {
  if (options.log.every == 0) return StepMeasurement::kNone;
  if (step == 1 || TakesHistograms(options, step, steps_per_epoch, full_steps_per_epoch)) {
    return StepMeasurement::kHistograms;
  }
  return options.log.Takes(step) ? StepMeasurement::kStatistics : StepMeasurement::kNone;
}

}  // namespace strop
