#include "plugin/training/loss.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/registry.h"
#include "plugin/training/value_name.h"

namespace strop {
namespace {

struct LossName {
  std::string_view name;
  LossKind kind;
  std::string_view op;
};

constexpr LossName kLosses[] = {
    {"cross_entropy", LossKind::kCrossEntropy, "CrossEntropyLoss"},
    {"binary_cross_entropy", LossKind::kBinaryCrossEntropy, "BinaryCrossEntropyWithLogitsLoss"},
    {"mse", LossKind::kMeanSquaredError, "MSELoss"},
    {"l1", LossKind::kL1, "L1Loss"},
    {"huber", LossKind::kHuber, "HuberLoss"},
    {"smooth_l1", LossKind::kSmoothL1, "SmoothL1Loss"},
};

const LossName& NameOf(LossKind kind) {
  return *std::find_if(std::begin(kLosses), std::end(kLosses),
                       [kind](const LossName& loss) { return loss.kind == kind; });
}

absl::StatusOr<ValueId> ChooseOutput(const Graph& graph, const std::string& name) {
  if (graph.outputs.empty()) return absl::InvalidArgumentError("train: the model has no outputs");
  if (name.empty()) return graph.outputs[0];
  std::string names;
  for (const ValueId output : graph.outputs) {
    if (graph.value(output).name == name) return output;
    absl::StrAppend(&names, names.empty() ? "" : ", ", graph.value(output).name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("train: the model has no output \"", name, "\", expected one of ", names));
}

// Whether each element of the first output is an element of the first input.
bool PassesElements(const Node& node) {
  constexpr std::string_view kOps[] = {"Identity", "Cast",    "Reshape",
                                       "Flatten",  "Squeeze", "Unsqueeze"};
  return node.domain.empty() &&
         std::find(std::begin(kOps), std::end(kOps), node.op_type) != std::end(kOps);
}

// Softmax, LogSoftmax or Sigmoid: what the loss applies itself.
bool IsAbsorbedBy(LossKind kind, const Node& node) {
  if (!node.domain.empty()) return false;
  if (kind == LossKind::kBinaryCrossEntropy) return node.op_type == "Sigmoid";
  return kind == LossKind::kCrossEntropy &&
         (node.op_type == "Softmax" || node.op_type == "LogSoftmax");
}

struct Logits {
  ValueId value = kNoValue;
  std::optional<int64_t> axis;  // of the softmax, where nothing behind it moves axes
};

// The value that stands before the model's last activation, under the views that follow it;
// `output` itself when there is no such activation.
absl::StatusOr<Logits> FindLogits(Graph& graph, LossKind kind, ValueId output) {
  const std::vector<int> producers = graph.Producers();
  std::vector<size_t> views;
  ValueId value = output;
  bool moves_axes = false;
  for (;;) {
    const int producer = producers[static_cast<size_t>(value)];
    if (producer < 0) return Logits{output, std::nullopt};
    const Node& node = graph.nodes[static_cast<size_t>(producer)];
    if (IsAbsorbedBy(kind, node)) break;
    if (!PassesElements(node)) return Logits{output, std::nullopt};
    moves_axes = moves_axes || (node.op_type != "Identity" && node.op_type != "Cast");
    views.push_back(static_cast<size_t>(producer));
    value = node.inputs[0];
  }
  const Node& activation = graph.nodes[static_cast<size_t>(producers[static_cast<size_t>(value)])];
  Logits logits{activation.inputs[0], std::nullopt};
  if (kind == LossKind::kCrossEntropy && !moves_axes) {
    logits.axis = activation.attributes.Int("axis", -1);
  }
  const std::optional<Shape> shape = graph.type(output).shape;
  for (size_t i = views.size(); i-- > 0;) {
    Node view = graph.nodes[views[i]];
    view.name += "/logits";
    view.inputs[0] = logits.value;
    STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs,
                           AppendNode(graph, std::move(view), 1));
    logits.value = outputs[0];
  }
  if (!graph.type(logits.value).shape.has_value()) graph.value(logits.value).type.shape = shape;
  return logits;
}

bool Fits(int64_t known, int64_t found) { return known == kUnknownDimension || known == found; }

// Whether labels of this sample shape fit logits [N, …] with their classes at `axis`. Axes of
// length 1 at the end may be superfluous (a column of labels).
bool LabelsFit(const Shape& logits, size_t axis, Shape sample) {
  while (sample.size() + 2 > logits.size() && !sample.empty() && sample.back() == 1) {
    sample.pop_back();
  }
  if (sample.size() + 2 != logits.size()) return false;
  for (size_t i = 1, next = 0; i < logits.size(); ++i) {
    if (i != axis && !Fits(logits[i], sample[next++])) return false;
  }
  return true;
}

bool ProbabilitiesFit(const Shape& logits, const DataField& target) {
  if (!IsFloating(target.type) || target.shape.size() + 1 != logits.size()) return false;
  for (size_t i = 1; i < logits.size(); ++i) {
    const bool may_be_labels = logits[i] == kUnknownDimension && target.shape[i - 1] == 1;
    if (!Fits(logits[i], target.shape[i - 1]) || may_be_labels) return false;
  }
  return true;
}

struct ClassTarget {
  int64_t axis = 1;
  bool is_soft = false;
};

absl::StatusOr<ClassTarget> FindClassTarget(const std::optional<Shape>& logits,
                                            std::optional<int64_t> given_axis,
                                            const DataField* target) {
  ClassTarget found;
  if (!logits.has_value()) {
    found.axis = given_axis.value_or(1);
    return found;
  }
  const auto rank = static_cast<int64_t>(logits->size());
  found.is_soft = target != nullptr && ProbabilitiesFit(*logits, *target);
  if (given_axis.has_value()) {
    absl::StatusOr<int64_t> axis = NormalizeAxis(*given_axis, rank);
    if (!axis.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("train: class axis ", *given_axis,
                                                     " is outside logits ", ShapeName(*logits)));
    }
    found.axis = *axis;
    return found;
  }
  found.axis = rank == 1 ? 0 : 1;
  if (target == nullptr || found.is_soft || rank <= 2) return found;
  for (int64_t axis = 1; axis < rank; ++axis) {
    if (!LabelsFit(*logits, static_cast<size_t>(axis), target->shape)) continue;
    found.axis = axis;
    return found;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "train: target \"", target->name, "\" has samples ", ShapeName(target->shape),
      ", which fit logits ", ShapeName(*logits), " at no class axis; check the labels' shape"));
}

TargetInterface ClassInterface(const std::optional<Shape>& logits, DataType type,
                               const ClassTarget& classes, int64_t ignore_index) {
  TargetInterface interface;
  interface.ignore_index = ignore_index;
  if (classes.is_soft) {
    interface.kind = TargetInterface::Kind::kNumbers;
    interface.type = {type, logits};
    return interface;
  }
  interface.kind = TargetInterface::Kind::kClasses;
  interface.type.element_type = DataType::kInt64;
  interface.class_count = std::numeric_limits<int64_t>::max();  // the loss itself checks at run
  if (!logits.has_value()) return interface;
  const int64_t classes_found = (*logits)[static_cast<size_t>(classes.axis)];
  if (classes_found != kUnknownDimension) interface.class_count = classes_found;
  Shape labels = *logits;
  labels.erase(labels.begin() + classes.axis);
  interface.type.shape = std::move(labels);
  return interface;
}

absl::StatusOr<ValueId> NumberConstant(Graph& graph, const std::string& name,
                                       const std::vector<double>& numbers, DataType type) {
  const auto count = static_cast<int64_t>(numbers.size());
  STROP_ASSIGN_OR_RETURN(Tensor tensor,
                         ConvertTensor(Tensor::FromVector<double>({count}, numbers), type));
  return graph.AddConstant(UniqueValueName(graph, name), std::move(tensor));
}

}  // namespace

absl::StatusOr<LossKind> LossKindOf(std::string_view name) {
  std::string names;
  for (const LossName& loss : kLosses) {
    if (loss.name == name) return loss.kind;
    absl::StrAppend(&names, names.empty() ? "" : ", ", std::string(loss.name));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("train: unknown loss \"", std::string(name), "\", expected one of ", names));
}

absl::StatusOr<AttachedLoss> AttachLoss(Graph& graph, const LossOptions& options,
                                        const DataField* target, bool takes_probabilities) {
  STROP_ASSIGN_OR_RETURN(const ValueId output, ChooseOutput(graph, options.output));
  const DataType type = graph.type(output).element_type;
  if (!IsFloating(type)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "train: output \"", graph.value(output).name, "\" holds ", std::string(DataTypeName(type)),
        ", which has no gradient; choose a floating one with --train-output"));
  }
  STROP_ASSIGN_OR_RETURN(const Logits logits, FindLogits(graph, options.kind, output));
  AttachedLoss attached;
  attached.prediction = logits.value;
  const std::optional<Shape> shape = graph.type(logits.value).shape;
  const DataType prediction_type = graph.type(logits.value).element_type;
  attached.interface.kind = TargetInterface::Kind::kNumbers;
  attached.interface.type = {prediction_type, shape};

  Node node{"loss", std::string(kStropDomain), std::string(NameOf(options.kind).op), {}, {}, {}};
  ValueId weight = kNoValue;
  if (options.kind == LossKind::kCrossEntropy) {
    const std::optional<int64_t> axis = options.class_axis ? options.class_axis : logits.axis;
    STROP_ASSIGN_OR_RETURN(const ClassTarget classes, FindClassTarget(shape, axis, target));
    attached.class_axis = classes.axis;
    attached.interface = ClassInterface(shape, prediction_type, classes, options.ignore_index);
    node.attributes.Set("axis", classes.axis);
    node.attributes.Set("label_smoothing", options.label_smoothing);
    node.attributes.Set("ignore_index", options.ignore_index);
    if (!options.class_weights.empty()) {
      STROP_ASSIGN_OR_RETURN(
          weight, NumberConstant(graph, "class_weights", options.class_weights, prediction_type));
    }
  } else if (options.kind == LossKind::kBinaryCrossEntropy && options.positive_weight != 1) {
    STROP_ASSIGN_OR_RETURN(weight, NumberConstant(graph, "positive_weight",
                                                  {options.positive_weight}, prediction_type));
  } else if (options.kind == LossKind::kHuber) {
    node.attributes.Set("delta", options.delta);
  } else if (options.kind == LossKind::kSmoothL1) {
    node.attributes.Set("beta", options.delta);
  }
  const TensorType target_type =
      takes_probabilities ? TensorType{prediction_type, shape} : attached.interface.type;
  attached.target = graph.AddInput(UniqueValueName(graph, std::string(kTargetField)), target_type);
  node.inputs = {attached.prediction, attached.target};
  if (weight != kNoValue) node.inputs.push_back(weight);
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs, AppendNode(graph, std::move(node), 1));
  attached.loss = outputs[0];
  return attached;
}

}  // namespace strop
