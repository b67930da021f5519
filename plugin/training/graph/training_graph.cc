#include "plugin/training/graph/training_graph.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "plugin/engine/passes/passes.h"
#include "plugin/engine/passes/recompute_activations.h"
#include "plugin/training/graph/batch_axis.h"
#include "plugin/training/graph/dropout_insertion.h"
#include "plugin/training/graph/gradient_accumulation.h"
#include "plugin/training/graph/node_mode.h"
#include "plugin/training/graph/quantize_model.h"
#include "plugin/training/graph/quantized_model.h"

namespace strop {
namespace {

absl::Status ApplyBatchNormMode(Graph& graph, BatchNormMode mode) {
  if (mode == BatchNormMode::kAsInModel) return KeepBatchNormMode(graph);
  return SetBatchNormMode(graph, mode == BatchNormMode::kTrain);
}

absl::Status ApplyDropoutMode(Graph& graph, const TrainingGraphOptions& options) {
  if (options.dropout == DropoutMode::kAsInModel) return absl::OkStatus();
  const double rate = options.dropout_rate.value_or(0);
  if (!(rate >= 0 && rate < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: dropout rate is ", rate, ", expected a number in [0, 1)"));
  }
  const bool is_on = options.dropout == DropoutMode::kOn;
  const int count = SetDropoutMode(graph, DropoutNodes::kOfModel, is_on,
                                   is_on ? options.dropout_rate : std::optional<double>());
  if (count > 0 || !is_on) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "train: dropout is asked for, but the model has no Dropout node; exporters remove them from "
      "models exported for inference: say where with --dropout-at PATTERN");
}

// ": found "a" (a single number at "scale" (Mul)), …": what the rule or the user leaves out.
std::string FrozenTensors(const ImportedModel& model) {
  constexpr int kShown = 4;
  std::string list;
  int count = 0;
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role != Parameter::Role::kFrozen || ++count > kShown) continue;
    absl::StrAppend(&list, count == 1 ? ": found " : ", ", "\"", parameter.name, "\" (",
                    parameter.reason, ")");
  }
  if (count > kShown) absl::StrAppend(&list, " and ", count - kShown, " more");
  return list;
}

// The values of all parameters that are trained from `epoch` on, or before, in the file's order.
absl::StatusOr<std::vector<ValueId>> TrainedValues(const ImportedModel& model,
                                                   const std::vector<Unfreezing>& unfreezings,
                                                   int64_t epoch) {
  std::vector<ValueId> values;
  bool has_trained = false;
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role != Parameter::Role::kTrained) continue;
    has_trained = true;
    if (FirstEpochOf(model.graph.value(parameter.value).name, unfreezings) > epoch) continue;
    values.push_back(parameter.value);
  }
  if (!values.empty()) return values;
  if (has_trained) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: nothing is trained in epoch ", epoch,
                     ", as all tensors are unfrozen later; leave some out of --unfreeze"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("train: the model has no tensor to train", FrozenTensors(model),
                   "; \"strop inspect\" says the reason of each, choose some with --train"));
}

absl::Status NothingMoves(absl::Span<const UnreachedTensor> unreached,
                          const std::vector<Unfreezing>& unfreezings, int64_t epoch) {
  const bool is_whole_run = unfreezings.empty();
  return absl::InvalidArgumentError(absl::StrCat(
      "train: no tensor would move", is_whole_run ? "" : absl::StrCat(" in epoch ", epoch), ": ",
      absl::StrJoin(DescribeUnreached(unreached), "; "),
      "; choose another output with --train-output, or other tensors with --train",
      is_whole_run ? "" : ", or unfreeze some earlier"));
}

// Leaves running statistics and ranges as they are: they were moved by the same batch before.
void KeepStatistics(Graph& graph) {
  SetQuantizationMode(graph, /*is_training=*/false);
  graph.state_updates.clear();
}

ValueId AddScalar(TrainingGraph& training, FreshValueNames& names, StepScalar scalar) {
  training.scalars.push_back(scalar);
  return training.graph.AddInput(names.Take(NameOf(scalar)),
                                 {StepNumbers().Of(scalar).type(), Shape{}});
}

}  // namespace

absl::StatusOr<Graph> BuildTrainingForward(const ImportedModel& model,
                                           const TrainingGraphOptions& options,
                                           const PlanOptions& plan) {
  Graph graph = model.graph;
  if (!options.dropout_at.empty()) {
    STROP_RETURN_IF_ERROR(RunPass(kInsertDropout, graph, plan, [&](Graph& rewritten) {
      return InsertDropout(rewritten, options.dropout_at);
    }));
  }
  STROP_RETURN_IF_ERROR(Simplify(graph, plan));
  NumberRandomNodes(graph);
  STROP_RETURN_IF_ERROR(ApplyBatchNormMode(graph, options.batch_norm));
  STROP_RETURN_IF_ERROR(ApplyDropoutMode(graph, options));
  RemoveRestingDropouts(graph);
  SetQuantizationMode(graph, /*is_training=*/true);
  return graph;
}

std::vector<StepVariant::Kind> KindsOf(const TrainingGraphOptions& options) {
  using Kind = StepVariant::Kind;
  std::vector<Kind> kinds = {Kind::kUpdate};
  const bool ascends = options.sharpness.is_on();
  if (ascends) kinds.push_back(Kind::kAscend);
  if (options.accumulates) kinds.push_back(Kind::kAccumulate);
  if (options.accumulates && ascends) kinds.push_back(Kind::kAccumulateAscended);
  return kinds;
}

bool IsAscended(const TrainingGraphOptions& options, const StepVariant& variant) {
  return options.sharpness.is_on() && (variant.kind == StepVariant::Kind::kUpdate ||
                                       variant.kind == StepVariant::Kind::kAccumulateAscended);
}

absl::StatusOr<TrainingGraph> BuildTrainingGraph(const ImportedModel& model,
                                                 const TrainingGraphOptions& options,
                                                 const DataShapes& data, const PlanOptions& plan,
                                                 const StepVariant& variant) {
  STROP_RETURN_IF_ERROR(CheckBatchAxis(model));
  return BuildStepGraph(
      model, options, plan, variant, [&](TrainingGraph& training) -> absl::StatusOr<StepObjective> {
        STROP_ASSIGN_OR_RETURN(const AttachedLoss attached,
                               AttachLoss(training.graph, options.loss, data,
                                          {.takes_probabilities = options.takes_probabilities}));
        training.target = attached.interface;
        training.note = attached.note;
        training.step_target = training.graph.type(attached.target);
        return StepObjective{attached.loss, {{attached.loss, kNoValue}}, {}, "the loss"};
      });
}

absl::StatusOr<TrainingGraph> BuildStepGraph(const ImportedModel& model,
                                             const TrainingGraphOptions& options,
                                             const PlanOptions& plan, const StepVariant& variant,
                                             const AttachObjective& attach) {
  const std::vector<int64_t> phases = PhaseStarts(model, options.unfreezing);
  const int64_t epoch = phases[static_cast<size_t>(variant.phase)];
  const absl::StatusOr<std::vector<ValueId>> found =
      TrainedValues(model, options.unfreezing, epoch);
  if (!found.ok()) return WithAdviceOnQuantized(found.status(), model.graph);
  const std::vector<ValueId>& trained = *found;
  TrainingGraph training;
  training.inputs = InputsOf(model.graph);
  STROP_ASSIGN_OR_RETURN(training.graph, BuildTrainingForward(model, options, plan));
  Graph& graph = training.graph;
  const bool is_ascended = IsAscended(options, variant);
  if (is_ascended) KeepStatistics(graph);
  STROP_ASSIGN_OR_RETURN(StepObjective objective, attach(training));
  FreshValueNames names(graph);
  const auto add_scalar = [&](StepScalar scalar) { return AddScalar(training, names, scalar); };
  const bool updates = variant.kind == StepVariant::Kind::kUpdate;
  const ValueId learning_rate = updates ? add_scalar(StepScalar::kLearningRate) : kNoValue;
  const ValueId step = updates ? add_scalar(StepScalar::kStep) : kNoValue;
  if (options.accumulates) {
    const ValueId share = add_scalar(StepScalar::kBatchShare);
    STROP_ASSIGN_OR_RETURN(objective.cotangents[0].cotangent,
                           AddLossCotangent(graph, objective.loss, share));
  }
  const auto first_backward = static_cast<ValueId>(graph.values.size());
  const absl::StatusOr<std::vector<ValueId>> differentiated =
      Differentiate(graph, objective.cotangents, trained);
  if (!differentiated.ok()) return WithAdviceOnQuantized(differentiated.status(), model.graph);
  const std::vector<ValueId>& gradients = *differentiated;
  std::vector<ParameterGradient> pairs;
  for (size_t i = 0; i < trained.size(); ++i) {
    if (gradients[i] == kNoValue) continue;
    pairs.push_back({.parameter = trained[i], .gradient = gradients[i]});
    training.trained.push_back(graph.value(trained[i]).name);
  }
  std::vector<ValueId> outputs;
  for (const OutputCotangent& pair : objective.cotangents) outputs.push_back(pair.output);
  training.unreached = FindUnreached(graph, outputs, trained, gradients, objective.name);
  if (pairs.empty()) return NothingMoves(training.unreached, options.unfreezing, epoch);
  graph.outputs = {objective.loss};
  if (is_ascended) training.stand_ins = ReadAscended(graph, pairs);
  std::vector<ValueId> health;
  if (options.accumulates) {
    const ValueId keeps = add_scalar(StepScalar::kKeepsGradients);
    STROP_ASSIGN_OR_RETURN(health, AccumulateGradients(graph, variant.kind, keeps, pairs));
  }
  if (variant.kind == StepVariant::Kind::kAscend) {
    STROP_ASSIGN_OR_RETURN(const ValueId norm, AddAscent(graph, options.sharpness, pairs));
    health = {norm};
  }
  ValueId norm = kNoValue;
  if (updates) {
    STROP_RETURN_IF_ERROR(
        CountStepsFromUnfreezing(graph, options.unfreezing, options.steps_per_epoch, step, pairs));
    STROP_RETURN_IF_ERROR(ApplyParameterGroups(graph, model, options.groups, learning_rate, pairs));
    STROP_ASSIGN_OR_RETURN(
        const OptimizerOutputs added,
        AddOptimizer(graph, options.optimizer, pairs, learning_rate, step, objective.loss));
    health = added.health;
    norm = added.gradient_norm;
  }
  graph.outputs.insert(graph.outputs.end(), health.begin(), health.end());
  training.health_count = health.size();
  training.has_gradient_norm = norm != kNoValue;
  if (training.has_gradient_norm) graph.outputs.push_back(norm);
  graph.outputs.insert(graph.outputs.end(), objective.outputs.begin(), objective.outputs.end());
  graph.RemoveDeadNodes();
  if (options.recompute_activations) {
    STROP_RETURN_IF_ERROR(RunPass(kRecomputeActivations, graph, plan, [&](Graph& rewritten) {
      return RecomputeActivations(rewritten, first_backward);
    }));
  }
  return training;
}

absl::StatusOr<EvaluationGraph> BuildEvaluationGraph(const ImportedModel& model,
                                                     const LossOptions& options,
                                                     const DataShapes& data,
                                                     const PlanOptions& plan) {
  STROP_RETURN_IF_ERROR(CheckBatchAxis(model));
  EvaluationGraph evaluation;
  evaluation.graph = model.graph;
  Graph& graph = evaluation.graph;
  evaluation.inputs = InputsOf(graph);
  STROP_RETURN_IF_ERROR(Simplify(graph, plan));
  STROP_RETURN_IF_ERROR(SetBatchNormMode(graph, /*is_training=*/false));
  SetDropoutMode(graph, DropoutNodes::kAll, /*is_training=*/false, std::nullopt);
  RemoveRestingDropouts(graph);
  STROP_ASSIGN_OR_RETURN(const AttachedLoss attached,
                         AttachLoss(graph, options, data, {.keeps_positions = true}));
  evaluation.target = attached.interface;
  evaluation.meaning = attached.meaning;
  evaluation.meant_target = attached.meant_target;
  evaluation.class_axis = attached.class_axis;
  evaluation.prediction = attached.prediction_shape;
  evaluation.seen_names = attached.seen_names;
  evaluation.note = attached.note;
  graph.outputs = {attached.loss, attached.prediction};
  if (attached.loss == kNoValue) {
    graph.outputs = {attached.prediction};
    graph.outputs.insert(graph.outputs.end(), attached.seen.begin(), attached.seen.end());
  }
  graph.RemoveDeadNodes();
  return evaluation;
}

absl::StatusOr<EvaluationGraph> BuildPredictionGraph(const ImportedModel& model,
                                                     const LossOptions& options, DataShapes data,
                                                     const PlanOptions& plan) {
  data.target.reset();
  STROP_ASSIGN_OR_RETURN(EvaluationGraph evaluation,
                         BuildEvaluationGraph(model, options, data, plan));
  Graph& graph = evaluation.graph;
  graph.inputs.pop_back();  // the target
  graph.outputs.erase(graph.outputs.begin());
  graph.RemoveDeadNodes();
  evaluation.target = TargetInterface();
  return evaluation;
}

}  // namespace strop
