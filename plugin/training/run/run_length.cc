#include "plugin/training/run/run_length.h"

#include <algorithm>
#include <limits>

namespace strop {
namespace {

int64_t DividedUp(int64_t count, int64_t size) { return (count + size - 1) / size; }

int64_t BatchSizeOf(const TrainingOptions& options, int64_t samples) {
  const int64_t wanted = options.batch_size == 0 ? samples : options.batch_size;
  return std::max<int64_t>(std::min(wanted, samples), 1);
}

int64_t StepsOfRun(const TrainingOptions& options, int64_t steps_per_epoch) {
  if (steps_per_epoch == 0) return 0;  // no data
  const int64_t most = options.steps.value_or(std::numeric_limits<int64_t>::max());
  const bool is_over_most = options.epochs > most / steps_per_epoch;
  return is_over_most ? most : std::min(most, options.epochs * steps_per_epoch);
}

}  // namespace

RunLength::RunLength(const TrainingOptions& options, int64_t sample_count)
    : sample_count_(sample_count),
      batch_size_(BatchSizeOf(options, sample_count)),
      batches_a_step_(options.accumulation_steps),
      batches_per_epoch_(options.drop_last ? sample_count / batch_size_
                                           : DividedUp(sample_count, batch_size_)),
      steps_per_epoch_(DividedUp(batches_per_epoch_, batches_a_step_)),
      full_steps_per_epoch_(sample_count / batch_size_ / batches_a_step_),
      steps_of_run_(StepsOfRun(options, steps_per_epoch_)) {}

int64_t RunLength::StepOfEpoch(int64_t batches) const {
  return DividedUp(batches, batches_a_step_);
}

}  // namespace strop
