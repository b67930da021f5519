#include "plugin/training/graph/host_loss_attachment.h"

#include <string>
#include <utility>
#include <vector>

#include "graph/status_macros.h"
#include "graph/unique_names.h"
#include "ops/core/registry.h"
#include "plugin/training/graph/loss_prediction.h"
#include "plugin/training/graph/target_form.h"

namespace strop {
namespace {

absl::StatusOr<std::vector<ValueId>> SeenOutputs(const Graph& graph, const std::string& name) {
  if (!name.empty()) {
    STROP_ASSIGN_OR_RETURN(const ValueId output, ChooseOutput(graph, name));
    return std::vector<ValueId>{output};
  }
  std::vector<ValueId> seen;
  for (const ValueId output : graph.outputs) {
    if (IsFloating(graph.type(output).element_type)) seen.push_back(output);
  }
  if (!seen.empty()) return seen;
  return absl::InvalidArgumentError("train: the model has no output that has a gradient");
}

// How metrics compare the first output with the targets: whole numbers are classes, or where there
// is one for each number of the output a yes or a no; others are numbers of the output's shape.
// Where neither fits, metrics have no meaning and `attached` stays as it is.
absl::Status FindMeaning(Graph& graph, ValueId output, const DataShapes& data,
                         AttachedLoss& attached) {
  const absl::StatusOr<PredictionShape> shape = FindPredictionShape(graph, output, data);
  if (!shape.ok()) return absl::OkStatus();
  Shape sample = SampleBatch(*shape);
  sample.erase(sample.begin());
  const bool is_alike = ElementCount(sample) == ElementCount(data.target->shape);
  LossOptions reading;
  reading.kind = LossKind::kCrossEntropy;
  if (IsFloating(data.target->type)) {
    if (!is_alike) return absl::OkStatus();
    reading.kind = LossKind::kMeanSquaredError;
  } else if (is_alike) {
    reading.kind = LossKind::kBinaryCrossEntropy;
  }
  STROP_ASSIGN_OR_RETURN(const Logits logits, FindLogits(graph, reading.kind, output));
  const absl::StatusOr<TargetForm> form = FindTargetForm(
      reading, graph.type(logits.value).element_type, *shape, logits.axis, data.target);
  if (!form.ok()) return absl::OkStatus();
  attached.meaning = reading.kind;
  attached.meant_target = form->interface;
  attached.class_axis = form->class_axis;
  attached.prediction = logits.value;
  attached.prediction_shape = shape->shape;
  return WidenHalf(graph, attached.prediction);
}

}  // namespace

absl::StatusOr<AttachedLoss> AttachHostLoss(Graph& graph, const LossOptions& options,
                                            const DataShapes& data,
                                            const LossAttachment& attachment) {
  AttachedLoss attached;
  STROP_ASSIGN_OR_RETURN(attached.seen, SeenOutputs(graph, options.output));
  if (!data.target) {
    return absl::InvalidArgumentError("train: found no target, expected one for the loss");
  }
  if (data.has_weights) {
    return absl::InvalidArgumentError(
        "train: found weights of samples for a loss of the program's, which the engine cannot "
        "weigh; leave --sample-weight out, and give the loss its weights with the targets");
  }
  attached.meaning = LossKind::kHost;
  attached.prediction = attached.seen[0];
  STROP_RETURN_IF_ERROR(FindMeaning(graph, attached.seen[0], data, attached));
  for (ValueId& output : attached.seen) {
    attached.seen_names.push_back(graph.value(output).name);
    STROP_RETURN_IF_ERROR(WidenHalf(graph, output));
  }
  Shape target = data.target->shape;
  target.insert(target.begin(), kUnknownDimension);
  attached.interface.kind = TargetInterface::Kind::kAny;
  attached.interface.type = {data.target->type, std::move(target)};
  attached.target = graph.AddInput(FreshValueNames(graph).Take(std::string(kTargetField)),
                                   attached.interface.type);
  if (attachment.keeps_positions) return attached;
  Node node{"loss", std::string(kStropDomain), "HostLoss"};
  node.attributes.Set("number", options.host->number());
  node.attributes.Set("names", attached.seen_names);
  node.inputs = {attached.target};
  node.inputs.insert(node.inputs.end(), attached.seen.begin(), attached.seen.end());
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> outputs, AppendNode(graph, std::move(node), 1));
  attached.loss = outputs[0];
  return attached;
}

}  // namespace strop
