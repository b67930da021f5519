#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "importer/importer.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/training/external_loss/external_loss_graph.h"

namespace strop {

struct ExternalLossOptions {
  TrainingGraphOptions graph;  // its loss, and what belongs to it, is not looked at
  uint64_t seed = 0;           // of random operators
};

struct ExternalStepReport {
  int64_t step = 0;                     // counts from 1
  std::optional<double> gradient_norm;  // of the parameters, with clip_norm: before clipping
};

// Trains a model on a loss that the caller computes: Forward gives the outputs, Step takes the
// gradient of the loss by them and moves the parameters. The forward pass runs once: the step waits
// between its two parts with all activations. Schedules, epochs and averages are the caller's. Not
// thread-safe; several may train in threads at the same time.
class ExternalLossTrainer {
 public:
  // Errors as of BuildExternalLossGraph.
  static absl::StatusOr<std::unique_ptr<ExternalLossTrainer>> Create(
      const ImportedModel& model, const ExternalLossOptions& options, PlanOptions plan = {});

  // What Forward takes, and what it gives: the model's floating outputs.
  const std::vector<InputInterface>& inputs() const { return inputs_; }
  const std::vector<InputInterface>& outputs() const { return outputs_; }

  // The outputs of the model as it trains, valid until the next call. Running statistics have
  // moved. `batch` stays as it is until Step, or is given up with the next Forward.
  // InvalidArgument for a batch that is not of the inputs' types and shapes.
  absl::StatusOr<absl::Span<const Tensor>> Forward(absl::Span<const Tensor> batch);

  // Moves the parameters by the gradients of the loss by each output of the last Forward, of its
  // type and shape. FailedPrecondition without a Forward, and where the gradients are not finite
  // and parameters therefore stayed.
  absl::StatusOr<ExternalStepReport> Step(absl::Span<const Tensor> gradients, double learning_rate);

  // Parameters, running statistics and moments by name, as they are now.
  const std::shared_ptr<StateStore>& store() const { return store_; }
  const std::vector<std::string>& trained() const { return trained_; }
  const std::vector<UnreachedTensor>& unreached() const { return unreached_; }
  int64_t steps() const { return steps_; }

 private:
  ExternalLossTrainer() = default;

  // Tensors of the types and shapes that the outputs have for this batch.
  absl::StatusOr<const std::vector<Tensor>*> LikeOutputs(absl::Span<const Tensor> batch);

  const std::shared_ptr<StateStore> store_ = std::make_shared<StateStore>();
  Graph forward_;  // knows the shapes of the outputs, and does not run
  std::unique_ptr<Session> session_;
  std::vector<InputInterface> inputs_;
  std::vector<InputInterface> outputs_;
  std::vector<std::string> trained_;
  std::vector<UnreachedTensor> unreached_;
  std::vector<StepScalar> scalars_;
  size_t first_output_ = 0;
  size_t health_count_ = 0;
  bool has_gradient_norm_ = false;
  std::map<std::vector<Shape>, std::vector<Tensor>> like_outputs_;  // by the shapes of the inputs
  uint64_t forwards_ = 0;
  int64_t steps_ = 0;
};

}  // namespace strop
