#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/training/graph/step_statistics.h"
#include "plugin/training/run/batch_supply.h"
#include "plugin/training/run/divergence.h"
#include "plugin/training/run/step_batches.h"
#include "plugin/training/run/step_graphs.h"

namespace strop {

// Where in its run a step stands. Steps and epochs count from 1, batches from 0.
struct StepPlace {
  int64_t step = 1;
  int64_t epoch = 1;
  int64_t first_batch = 0;
  double learning_rate = 0;
};

// What a whole step has come to.
struct StepResult {
  double loss = 0;    // of all batches together, of the first pass
  double weight = 0;  // of the batches; 0: no label of the step counts
  std::optional<double> gradient_norm;
  std::optional<StepStatistics> statistics;
  std::optional<Divergence> divergence;  // its numbers are bad, and it ended at once
};

// Makes steps: runs the graphs of each pass over its batches, and looks at what they give. Not
// thread-safe.
class StepRunner {
 public:
  // Gives a batch of the step, valid until the next call.
  using BatchGiver = std::function<absl::StatusOr<SuppliedBatch>(const StepBatch&)>;

  // `graphs` and `store` must outlive the runner. `divergence_factor` as in RunsAway.
  StepRunner(StepGraphs& graphs, const StateStore& store, double divergence_factor)
      : graphs_(graphs), store_(store), divergence_factor_(divergence_factor) {}

  // The step at `place` on `batches`, each of which is asked for once a pass; a single one only
  // once. Adds the loss to `losses`.
  absl::StatusOr<StepResult> Run(const StepPlace& place, absl::Span<const StepBatch> batches,
                                 const BatchGiver& give, LossHistory& losses);

 private:
  // One run of a graph, so that it can be done again.
  struct BatchRun {
    StepVariant variant;
    int64_t draw = 0;
    absl::Span<const Tensor> batch;
    StepNumbers numbers;
  };

  // Why a step is bad, in words: what the run of a batch told, or tells when it is done again.
  absl::StatusOr<std::string> CauseOf(double step_loss, const BatchResult& result,
                                      const BatchRun& run);

  StepGraphs& graphs_;
  const StateStore& store_;
  const double divergence_factor_;
};

}  // namespace strop
