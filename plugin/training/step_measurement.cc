#include "plugin/training/step_measurement.h"

#include <algorithm>

namespace strop {
namespace {

bool TakesHistograms(const MeasurementOptions& options, int64_t step, int64_t steps_per_epoch,
                     int64_t full_steps_per_epoch) {
  if (options.histogram_every > 0) return step % options.histogram_every == 0;
  const int64_t step_of_epoch = (step - 1) % steps_per_epoch + 1;
  if (step_of_epoch != std::max<int64_t>(full_steps_per_epoch, 1)) return false;
  return step / options.log_every != (step - steps_per_epoch) / options.log_every;
}

}  // namespace

StepMeasurement MeasurementOf(const MeasurementOptions& options, int64_t step,
                              int64_t steps_per_epoch, int64_t full_steps_per_epoch) {
  if (options.log_every == 0) return StepMeasurement::kNone;
  if (step == 1 || TakesHistograms(options, step, steps_per_epoch, full_steps_per_epoch)) {
    return StepMeasurement::kHistograms;
  }
  return step % options.log_every == 0 ? StepMeasurement::kStatistics : StepMeasurement::kNone;
}

}  // namespace strop
