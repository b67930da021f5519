#include "plugin/training/graph/loss.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "ops/core/registry.h"
#include "plugin/training/graph/host_loss_attachment.h"
#include "plugin/training/graph/loss_prediction.h"
#include "plugin/training/graph/target_form.h"

namespace strop {
namespace {

absl::StatusOr<ValueId> NumberConstant(Graph& graph, const std::string& name,
                                       const std::vector<double>& numbers, DataType type) {
  const auto count = static_cast<int64_t>(numbers.size());
  STROP_ASSIGN_OR_RETURN(Tensor tensor,
                         ConvertTensor(Tensor::FromVector<double>({count}, numbers), type));
  return graph.AddConstant(FreshValueNames(graph).Take(name), std::move(tensor));
}

// The target with its sample and row axes as one, where the prediction has them so.
absl::StatusOr<ValueId> Flattened(Graph& graph, ValueId target, const Shape& prediction) {
  Shape shape = *graph.type(target).shape;
  shape.erase(shape.begin() + 1);
  if (std::count(shape.begin(), shape.end(), kUnknownDimension) > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: the output ", ShapeName(prediction),
                     " has several rows per sample and a further axis that grows with the batch, "
                     "expected one such axis; choose another with --train-output"));
  }
  const auto rank = static_cast<int64_t>(shape.size());
  const ValueId to =
      graph.AddConstant(FreshValueNames(graph).Take("target_shape"),
                        Tensor::FromVector<int64_t>({rank}, {shape.begin(), shape.end()}));
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs,
                         AppendNode(graph, Node{"target", "", "Reshape", {}, {target, to}, {}}, 1));
  return outputs[0];
}

// The mean over all positions of their losses, [samples · rows, …], each times its sample's weight
// [samples]; samples' positions lie one after the other.
absl::StatusOr<ValueId> WeightedMean(Graph& graph, ValueId losses, ValueId weights) {
  const auto append = [&](const std::string& op_type, std::vector<ValueId> inputs,
                          Attributes attributes = {}) -> absl::StatusOr<ValueId> {
    Node node{"loss", "", op_type, std::move(attributes), std::move(inputs), {}};
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs,
                           AppendNode(graph, std::move(node), 1));
    return outputs[0];
  };
  const auto constant = [&](const std::string& name, int64_t number) {
    return graph.AddConstant(FreshValueNames(graph).Take(name),
                             Tensor::FromVector<int64_t>({1}, {number}));
  };
  STROP_ASSIGN_OR_RETURN(const ValueId samples, append("Shape", {weights}));
  Attributes axis;
  axis.Set("axis", int64_t{0});
  STROP_ASSIGN_OR_RETURN(const ValueId shape,
                         append("Concat", {samples, constant("positions", -1)}, std::move(axis)));
  STROP_ASSIGN_OR_RETURN(const ValueId rows, append("Reshape", {losses, shape}));
  STROP_ASSIGN_OR_RETURN(const ValueId column,
                         append("Unsqueeze", {weights, constant("weight_axis", 1)}));
  STROP_ASSIGN_OR_RETURN(const ValueId weighted, append("Mul", {rows, column}));
  Attributes all;
  all.Set("keepdims", int64_t{0});
  return append("ReduceMean", {weighted}, std::move(all));
}

}  // namespace

std::vector<std::string> LossNames() {
  std::vector<std::string> names;
  for (const LossRow& loss : kLosses) names.emplace_back(loss.name);
  return names;
}

absl::StatusOr<LossKind> LossKindOf(std::string_view name) {
  for (const LossRow& loss : kLosses) {
    if (loss.name == name) return loss.kind;
  }
  return absl::InvalidArgumentError(absl::StrCat("train: unknown loss \"", std::string(name),
                                                 "\", expected one of ",
                                                 absl::StrJoin(LossNames(), ", ")));
}

absl::StatusOr<ValueId> ChooseOutput(const Graph& graph, const std::string& name) {
  if (graph.outputs.empty()) return absl::InvalidArgumentError("train: the model has no outputs");
  const auto chosen =
      name.empty() ? graph.outputs.begin()
                   : std::find_if(graph.outputs.begin(), graph.outputs.end(),
                                  [&](ValueId output) { return graph.value(output).name == name; });
  if (chosen == graph.outputs.end()) {
    const auto append_name = [&](std::string* out, ValueId output) {
      absl::StrAppend(out, graph.value(output).name);
    };
    return absl::InvalidArgumentError(
        absl::StrCat("train: the model has no output \"", name, "\", expected one of ",
                     absl::StrJoin(graph.outputs, ", ", append_name)));
  }
  const Value& output = graph.value(*chosen);
  const DataType type = output.type.element_type;
  if (!IsFloating(type)) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: output \"", output.name, "\" holds ", std::string(DataTypeName(type)),
                     ", which has no gradient; choose a floating one with --train-output"));
  }
  if (output.type.shape && output.type.shape->empty()) return SingleNumber(output.name);
  return *chosen;
}

absl::StatusOr<std::optional<LossKind>> LossOfActivation(const Graph& graph,
                                                         const std::string& output) {
  STROP_ASSIGN_OR_RETURN(const ValueId value, ChooseOutput(graph, output));
  Graph scratch = graph;  // which FindLogits may add views to
  for (const LossRow& loss : kLosses) {
    if (loss.activation == ProbabilityActivation::kNone) continue;
    STROP_ASSIGN_OR_RETURN(const Logits logits, FindLogits(scratch, loss.kind, value));
    if (logits.value != value) return loss.kind;
  }
  return std::nullopt;
}

absl::StatusOr<AttachedLoss> AttachLoss(Graph& graph, const LossOptions& options,
                                        const DataShapes& data, const LossAttachment& attachment) {
  if (options.kind == LossKind::kHost) return AttachHostLoss(graph, options, data, attachment);
  STROP_ASSIGN_OR_RETURN(const ValueId output, ChooseOutput(graph, options.output));
  STROP_ASSIGN_OR_RETURN(PredictionShape prediction, FindPredictionShape(graph, output, data));
  STROP_ASSIGN_OR_RETURN(Logits logits, FindLogits(graph, options.kind, output));
  STROP_RETURN_IF_ERROR(WidenHalf(graph, logits.value));
  const DataType prediction_type = graph.type(logits.value).element_type;
  STROP_ASSIGN_OR_RETURN(TargetForm form, FindTargetForm(options, prediction_type, prediction,
                                                         logits.axis, data.target));
  AttachedLoss attached;
  attached.prediction = logits.value;
  attached.class_axis = form.class_axis;
  attached.note = std::move(form.note);

  const LossRow& loss = RowOf(options.kind);
  Node node{"loss", std::string(kStropDomain), std::string(loss.op), {}, {}, {}};
  const bool weighs = data.has_weights && !attachment.keeps_positions;
  if (attachment.keeps_positions || weighs) node.attributes.Set("reduction", std::string("none"));
  for (const LossNumber& number : loss.numbers) {
    if (number.attribute.empty()) continue;
    node.attributes.Set(std::string(number.attribute), options.*number.field);
  }
  ValueId weight = kNoValue;
  if (options.kind == LossKind::kCrossEntropy) {
    node.attributes.Set("axis", form.class_axis);
    node.attributes.Set("ignore_index", options.ignore_index);
    if (!options.class_weights.empty()) {
      STROP_ASSIGN_OR_RETURN(
          weight, NumberConstant(graph, "class_weights", options.class_weights, prediction_type));
    }
  } else if (options.kind == LossKind::kBinaryCrossEntropy && options.positive_weight != 1) {
    STROP_ASSIGN_OR_RETURN(weight, NumberConstant(graph, "positive_weight",
                                                  {options.positive_weight}, prediction_type));
  }
  TensorType target_type = form.interface.type;
  if (attachment.takes_probabilities) target_type = {prediction_type, SampleBatch(prediction)};
  ValueId sample_weights = kNoValue;
  if (weighs) {
    sample_weights = graph.AddInput(FreshValueNames(graph).Take("sample_weights"),
                                    {prediction_type, Shape{kUnknownDimension}});
  }
  attached.target =
      graph.AddInput(FreshValueNames(graph).Take(std::string(kTargetField)), target_type);
  ValueId target = attached.target;
  if (prediction.rows_a_sample != 1) {
    STROP_ASSIGN_OR_RETURN(target, Flattened(graph, target, prediction.shape));
  }
  node.inputs = {attached.prediction, target};
  if (weight != kNoValue) node.inputs.push_back(weight);
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs, AppendNode(graph, std::move(node), 1));
  attached.loss = outputs[0];
  if (weighs) {
    STROP_ASSIGN_OR_RETURN(attached.loss, WeightedMean(graph, outputs[0], sample_weights));
  }
  attached.meaning = options.kind;
  attached.interface = std::move(form.interface);
  if (data.has_weights) attached.interface.weight_type = prediction_type;
  attached.meant_target = attached.interface;
  attached.prediction_shape = std::move(prediction.shape);
  return attached;
}

}  // namespace strop
