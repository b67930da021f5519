#include "plugin/training/run/step_batches.h"

#include <algorithm>

#include "graph/status_macros.h"
#include "plugin/training/graph/loss_weight.h"

namespace strop {

absl::StatusOr<std::vector<StepBatch>> SplitStep(absl::Span<const int64_t> samples,
                                                 int64_t batch_size, const LossOptions* loss,
                                                 BatchReader& reader) {
  std::vector<StepBatch> batches;
  const auto size = static_cast<size_t>(batch_size);
  for (size_t begin = 0; begin < samples.size(); begin += size) {
    batches.push_back({samples.subspan(begin, size), static_cast<int64_t>(batches.size())});
  }
  if (batches.size() == 1) return batches;
  double all = 0;
  for (StepBatch& batch : batches) {
    batch.share = static_cast<double>(batch.samples.size());
    if (loss != nullptr) {
      STROP_ASSIGN_OR_RETURN(const BatchTargets targets, reader.ReadTargets(batch.samples));
      batch.share = LossWeight(*loss, *targets.target, targets.sample_weights);
    }
    all += batch.share;
  }
  if (all == 0) return batches;
  batches.erase(std::remove_if(batches.begin(), batches.end(),
                               [](const StepBatch& batch) { return batch.share == 0; }),
                batches.end());
  for (StepBatch& batch : batches) batch.share /= all;
  return batches;
}

}  // namespace strop
