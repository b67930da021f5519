#pragma once

#include <cstdint>

#include "plugin/training/run/training_options.h"

namespace strop {

// How long a run is, in samples, batches and steps. Plain numbers that follow from the options and
// from how many samples there are.
class RunLength {
 public:
  RunLength(const TrainingOptions& options, int64_t sample_count);

  int64_t sample_count() const { return sample_count_; }
  int64_t batch_size() const { return batch_size_; }  // at least 1, at most all samples
  int64_t batches_per_epoch() const { return batches_per_epoch_; }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  // The first steps of an epoch: those whose batches are all full.
  int64_t full_steps_per_epoch() const { return full_steps_per_epoch_; }
  // Of the whole run, when nothing ends it early.
  int64_t steps_of_run() const { return steps_of_run_; }
  // The step of its epoch, counted from 1, that ends with the epoch's batch `batches`.
  int64_t StepOfEpoch(int64_t batches) const;

 private:
  int64_t sample_count_;
  int64_t batch_size_;
  int64_t batches_a_step_;
  int64_t batches_per_epoch_;
  int64_t steps_per_epoch_;
  int64_t full_steps_per_epoch_;
  int64_t steps_of_run_;
};

}  // namespace strop
