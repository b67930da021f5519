#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/batch_reader.h"
#include "plugin/training/graph/loss.h"

namespace strop {

// One of the batches whose gradients make a step.
struct StepBatch {
  absl::Span<const int64_t> samples;
  int64_t number = 0;  // in the step, from 0
  double share = 1;    // of the step's loss; the shares of a step add up to 1
};

// The batches of `batch_size` samples that make a step on `samples`, the last of them perhaps
// smaller. Shares are those of LossWeight, so that the batches make the loss of one large batch;
// batches of which nothing counts are left out, unless nothing counts in the whole step. With null
// `loss` each sample counts the same. Errors as DataSource::Read's.
absl::StatusOr<std::vector<StepBatch>> SplitStep(absl::Span<const int64_t> samples,
                                                 int64_t batch_size, const LossOptions* loss,
                                                 BatchReader& reader);

}  // namespace strop
