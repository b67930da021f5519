#include "plugin/session/model_loss_trainer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/number_conversion.h"
#include "plugin/options/outcome.h"

namespace strop {

void AddLossTrainerOptions(OptionSet& set, LossTrainerArguments& arguments) {
  AddOptimizerOptions(set, arguments.optimizer);
  AddGroupOptions(set, arguments.groups);
  AddModeOptions(set, arguments.modes);
  // Epochs are the caller's.
  std::erase_if(set.options(), [](const Option& option) { return option.name == "unfreeze"; });
}

absl::StatusOr<std::unique_ptr<ModelLossTrainer>> ModelLossTrainer::Create(
    Model& model, const OptionTexts& options, const Listener& listener) {
  OptionSet set;
  LossTrainerArguments arguments;
  AddLossTrainerOptions(set, arguments);
  arguments.modes = model.arguments().modes;
  STROP_RETURN_IF_ERROR(GiveTexts(options, set));
  STROP_RETURN_IF_ERROR(model.CheckModes(arguments.modes));
  std::unique_ptr<ModelLossTrainer> trainer(new ModelLossTrainer(model));
  trainer->prepared_ = model.prepared();
  trainer->learning_rate_ = LearningRateOf(arguments.optimizer);
  ExternalLossOptions loss;
  STROP_ASSIGN_OR_RETURN(loss.graph.optimizer, OptimizerOptionsOf(arguments.optimizer));
  STROP_ASSIGN_OR_RETURN(loss.graph.groups,
                         GroupOptionsOf(arguments.groups, trainer->learning_rate_));
  STROP_RETURN_IF_ERROR(ApplyModes(arguments.modes, loss.graph));
  loss.graph.recompute_activations |= !trainer->prepared_->adapters.empty();
  loss.seed = model.arguments().model.seed;
  STROP_ASSIGN_OR_RETURN(
      trainer->trainer_,
      ExternalLossTrainer::Create(trainer->prepared_->model, loss, model.arguments().model.plan));
  listener.TellNotes(DescribeUnreached(trainer->trainer_->unreached()));
  return trainer;
}

absl::StatusOr<std::vector<NamedTensor>> ModelLossTrainer::Forward(
    const std::vector<NamedTensor>& inputs) {
  STROP_ASSIGN_OR_RETURN(feeds_, FeedsByName(prepared_->model.graph, inputs, "inputs"));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, trainer_->Forward(feeds_));
  outputs_.assign(outputs.begin(), outputs.end());
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    named.push_back({trainer_->outputs()[i].name, outputs_[i]});
  }
  return named;
}

absl::StatusOr<ExternalStepReport> ModelLossTrainer::Step(const std::vector<NamedTensor>& gradients,
                                                          std::optional<double> learning_rate) {
  if (outputs_.empty()) {
    return UsageError("found a step without a forward pass before it, expected one for each step");
  }
  std::vector<Tensor> of_outputs;
  std::vector<std::string> names;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    names.push_back(trainer_->outputs()[i].name);
    of_outputs.emplace_back(outputs_[i].type(), outputs_[i].shape());
  }
  for (const NamedTensor& gradient : gradients) {
    const auto name = std::find(names.begin(), names.end(), gradient.name);
    const std::string label = absl::StrCat("gradient \"", gradient.name, "\"");
    if (name == names.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(label, ": the model has no floating output of that name, expected one of ",
                       absl::StrJoin(names, ", ")));
    }
    Tensor& place = of_outputs[static_cast<size_t>(name - names.begin())];
    if (gradient.tensor.shape() != place.shape()) {
      return absl::InvalidArgumentError(
          absl::StrCat(label, ": found shape ", ShapeName(gradient.tensor.shape()), ", expected ",
                       ShapeName(place.shape()), " as the output"));
    }
    STROP_ASSIGN_OR_RETURN(place, ConvertExactly(gradient.tensor, place.type(), label));
  }
  outputs_.clear();  // a pass has one step
  return trainer_->Step(of_outputs, learning_rate.value_or(learning_rate_));
}

absl::Status ModelLossTrainer::Finish() {
  if (prepared_ != model_.prepared()) {
    return UsageError(
        "the model was changed after its trainer was made, expected as it was; make another "
        "trainer");
  }
  return TakeStates(*trainer_->store(), *prepared_);
}

}  // namespace strop
