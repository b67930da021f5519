#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "importer/importer.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/training/graph/step_statistics.h"
#include "plugin/training/graph/step_variant.h"
#include "plugin/training/graph/training_graph.h"
#include "plugin/training/run/run_length.h"
#include "plugin/training/run/training_options.h"

namespace strop {

// What one graph has given for one batch.
struct BatchResult {
  double loss = std::numeric_limits<double>::quiet_NaN();
  std::string bad_gradient;                  // in words, one that is not finite; empty when all are
  std::optional<double> gradient_norm;       // of an update: before clipping
  std::optional<StepStatistics> statistics;  // of an update that measures
  absl::Status anomaly;  // with PlanOptions::detect_anomaly, what went bad first
};

// All graphs that a run's steps choose from, each with its session, over one store and one arena.
// Which there are follows from the options: phases of unfreezing, accumulation, sharpness-aware
// minimization, measurement. All random operators draw by the count that a batch is given,
// whichever graph runs. Not thread-safe.
class StepGraphs {
 public:
  // Builds every variant; the store gets their states. Nothing is planned yet. `arena` as in
  // Session::Create: sessions outside that run in turn with these may share it.
  static absl::StatusOr<std::unique_ptr<StepGraphs>> Create(
      const ImportedModel& model, const TrainingOptions& options, const RunLength& length,
      const DataShapes& shapes, std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena,
      const PlanOptions& plan);

  // Names of the parameters that move in the end, in the file's order, and those that cannot.
  const std::vector<std::string>& trained() const { return trained_; }
  const std::vector<UnreachedTensor>& unreached() const { return unreached_; }
  size_t arena_bytes() const { return arena_->bytes(); }

  // The passes of a step over its batches, in order.
  const std::vector<StepPass>& passes() const { return passes_; }
  // The graph of a kind in a step, both it and its epoch counted from 1.
  StepVariant VariantOf(StepVariant::Kind kind, int64_t step, int64_t epoch) const;

  // Plans every variant for the shapes of `batch`, in one order whatever runs first.
  absl::Status Prepare(absl::Span<const Tensor> batch);

  // Computes a batch of the model's inputs and the target; `draw` tells batches apart for random
  // operators. An anomaly is no error but part of the result.
  absl::StatusOr<BatchResult> Run(const StepVariant& variant, int64_t draw,
                                  absl::Span<const Tensor> batch, const StepNumbers& numbers);

  // Computes a batch that went wrong again, looking at every number: FailedPrecondition naming what
  // went bad first, OK when nothing does.
  absl::Status Diagnose(const StepVariant& variant, int64_t draw, absl::Span<const Tensor> batch,
                        const StepNumbers& numbers);

 private:
  struct StepGraph {
    std::unique_ptr<Session> session;
    std::vector<StepScalar> scalars;
    std::vector<std::string> watched;  // whose gradients the outputs behind the loss watch
    bool has_gradient_norm = false;
    std::optional<StepProbe> probe;  // of one that measures
  };

  StepGraphs(const TrainingOptions& options, const RunLength& length,
             std::shared_ptr<StateStore> store, std::shared_ptr<Arena> arena,
             const PlanOptions& plan);

  absl::Status Add(const StepVariant& variant, TrainingGraph graph,
                   std::optional<StepProbe> probe = std::nullopt);
  // Adds the variants of the updating graph that measure.
  absl::Status AddMeasured(const TrainingGraph& update, int phase);
  absl::StatusOr<StepGraph*> Find(const StepVariant& variant);
  static absl::StatusOr<BatchResult> Read(const StepGraph& graph, absl::Span<const Tensor> outputs);

  RunLength length_;
  MeasurementOptions measurement_;
  std::vector<StepPass> passes_;
  std::vector<int64_t> phase_starts_;
  std::shared_ptr<StateStore> store_;
  std::shared_ptr<Arena> arena_;
  PlanOptions plan_;
  uint64_t seed_ = 0;
  std::map<StepVariant, StepGraph> graphs_;
  std::vector<std::string> trained_;
  std::vector<UnreachedTensor> unreached_;
};

}  // namespace strop
