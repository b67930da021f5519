#include "plugin/training/external_loss/external_loss_trainer.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/engine/plan/specialize.h"

namespace strop {

absl::StatusOr<std::unique_ptr<ExternalLossTrainer>> ExternalLossTrainer::Create(
    const ImportedModel& model, const ExternalLossOptions& options, PlanOptions plan) {
  STROP_ASSIGN_OR_RETURN(ExternalLossGraph external,
                         BuildExternalLossGraph(model, options.graph, plan));
  std::unique_ptr<ExternalLossTrainer> trainer(new ExternalLossTrainer());
  TrainingGraph& step = external.step;
  trainer->inputs_ = std::move(step.inputs);
  trainer->outputs_ = std::move(external.outputs);
  trainer->trained_ = std::move(step.trained);
  trainer->unreached_ = std::move(step.unreached);
  trainer->scalars_ = std::move(step.scalars);
  trainer->first_output_ = external.first_output;
  trainer->health_count_ = step.health_count;
  trainer->has_gradient_norm_ = step.has_gradient_norm;
  Graph& forward = trainer->forward_;
  forward = step.graph;
  ReleaseStateTensors(forward);
  forward.state_updates.clear();
  forward.inputs.resize(trainer->inputs_.size());
  forward.outputs.erase(forward.outputs.begin(),
                        forward.outputs.begin() + static_cast<int64_t>(external.first_output));
  forward.RemoveDeadNodes();
  plan.late_inputs = external.late_inputs;
  STROP_ASSIGN_OR_RETURN(trainer->session_,
                         Session::Create(std::move(step.graph), trainer->store_, std::move(plan)));
  trainer->session_->set_seed(options.seed);
  return trainer;
}

absl::StatusOr<const std::vector<Tensor>*> ExternalLossTrainer::LikeOutputs(
    absl::Span<const Tensor> batch) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : batch) shapes.push_back(tensor.shape());
  const auto found = like_outputs_.find(shapes);
  if (found != like_outputs_.end()) return &found->second;
  STROP_ASSIGN_OR_RETURN(const Graph graph, Specialize(forward_, shapes));
  std::vector<Tensor> tensors;
  for (const ValueId output : graph.outputs) {
    const TensorType& type = graph.type(output);
    tensors.emplace_back(type.element_type, *type.shape);
  }
  return &(like_outputs_[std::move(shapes)] = std::move(tensors));
}

absl::StatusOr<absl::Span<const Tensor>> ExternalLossTrainer::Forward(
    absl::Span<const Tensor> batch) {
  if (batch.size() != inputs_.size()) {
    return absl::InvalidArgumentError(absl::StrCat("train: found a batch of ", batch.size(),
                                                   " tensors, expected ", inputs_.size()));
  }
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor>* like_outputs, LikeOutputs(batch));
  std::vector<Tensor> inputs(batch.begin(), batch.end());
  inputs.insert(inputs.end(), like_outputs->begin(), like_outputs->end());
  for (const StepScalar scalar : scalars_) inputs.push_back(StepNumbers().Of(scalar));
  session_->set_step(forwards_);
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, session_->Begin(inputs));
  ++forwards_;
  return outputs.subspan(first_output_);
}

absl::StatusOr<ExternalStepReport> ExternalLossTrainer::Step(absl::Span<const Tensor> gradients,
                                                             double learning_rate) {
  StepNumbers numbers;
  numbers.learning_rate = learning_rate;
  numbers.step = steps_ + 1;
  std::vector<Tensor> late(gradients.begin(), gradients.end());
  for (const StepScalar scalar : scalars_) late.push_back(numbers.Of(scalar));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, session_->End(late));
  if (!std::isfinite(outputs[0].elements<double>()[0])) {
    return absl::FailedPreconditionError(absl::StrCat(
        "train: the gradients given for step ", numbers.step,
        " are not finite, and no parameter has moved; look at the loss that they are of"));
  }
  ExternalStepReport report;
  report.step = ++steps_;
  for (size_t i = 0; i < health_count_; ++i) {
    if (std::isfinite(outputs[1 + i].elements<double>()[0])) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("train: the gradient of \"", trained_[i], "\" is not finite in step ",
                     report.step, ", and it has not moved; try a lower learning rate"));
  }
  if (has_gradient_norm_) report.gradient_norm = outputs[1 + health_count_].elements<double>()[0];
  return report;
}

}  // namespace strop
