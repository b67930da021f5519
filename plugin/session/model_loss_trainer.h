#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/options/group_options.h"
#include "plugin/options/listener.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/optimizer_options.h"
#include "plugin/options/table/option_texts.h"
#include "plugin/session/model.h"
#include "plugin/training/external_loss/external_loss_trainer.h"

namespace strop {

// What shapes a step on a loss from outside, as typed: an optimizer, groups of parameters, modes.
struct LossTrainerArguments {
  OptimizerArguments optimizer;
  GroupArguments groups;
  ModeArguments modes;
};

void AddLossTrainerOptions(OptionSet& set, LossTrainerArguments& arguments);

// Steps of a Model on a loss that the host program computes: see ExternalLossTrainer. It starts from
// the model's weights and has its own until Finish. Not thread-safe.
class ModelLossTrainer {
 public:
  // `options` of AddLossTrainerOptions. The model has to outlive the trainer.
  static absl::StatusOr<std::unique_ptr<ModelLossTrainer>> Create(Model& model,
                                                                  const OptionTexts& options,
                                                                  const Listener& listener);

  // The model's floating outputs as it trains, which live until the next call. `inputs` by name; a
  // tensor that has the type of its input is read where it lies, until the step.
  absl::StatusOr<std::vector<NamedTensor>> Forward(const std::vector<NamedTensor>& inputs);

  // Takes ∂loss/∂output by the output's name, zeros for others. The rate is that of the options
  // unless one is given.
  absl::StatusOr<ExternalStepReport> Step(const std::vector<NamedTensor>& gradients,
                                          std::optional<double> learning_rate);

  // Gives the weights of now to the model; steps may go on.
  absl::Status Finish();

 private:
  explicit ModelLossTrainer(Model& model) : model_(model) {}

  Model& model_;
  std::shared_ptr<PreparedModel> prepared_;
  double learning_rate_ = 0;
  std::unique_ptr<ExternalLossTrainer> trainer_;
  std::vector<Tensor> feeds_;    // of the forward pass that waits for its step
  std::vector<Tensor> outputs_;  // of the last one
};

}  // namespace strop
