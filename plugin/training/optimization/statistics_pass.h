#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "importer/importer.h"
#include "plugin/data/batch_reader.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/training/graph/training_graph.h"
#include "plugin/training/optimization/averaging.h"

namespace strop {

// Makes the running statistics of BatchNormalization those of other weights, as
// torch.optim.swa_utils.update_bn: the mean of the statistics of every batch of a pass over the
// training data, in training mode. Not thread-safe.
class StatisticsPass {
 public:
  // `model` still has its states' first values. `arena` as in Session::Create.
  static absl::StatusOr<std::unique_ptr<StatisticsPass>> Create(const ImportedModel& model,
                                                                const TrainingGraphOptions& options,
                                                                std::shared_ptr<StateStore> store,
                                                                std::shared_ptr<Arena> arena,
                                                                const PlanOptions& plan,
                                                                uint64_t seed);

  // One pass over the samples `order`, augmented by `key`; `draw` as in StepGraphs::Run, for the
  // first batch. Does nothing for a model without statistics that training moves.
  absl::Status Run(BatchReader& reader, absl::Span<const int64_t> order, int64_t batch_size,
                   const AugmentationKey& key, int64_t draw);

 private:
  StatisticsPass() = default;

  std::unique_ptr<Session> forward_;
  std::unique_ptr<AveragedStates> statistics_;  // null when there are none
};

}  // namespace strop
