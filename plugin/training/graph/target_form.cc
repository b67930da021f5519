#include "plugin/training/graph/target_form.h"

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/core/registry.h"
#include "plugin/engine/plan/specialize.h"
#include "plugin/training/graph/batch_axis.h"

namespace strop {
namespace {

// ---- Predictions

// What computes `output` alone, for batches of that many samples of these shapes.
absl::StatusOr<Graph> GraphFor(const Graph& graph, ValueId output, std::vector<Shape> shapes,
                               int64_t batch_size) {
  Graph part = graph;
  part.outputs = {output};
  part.state_updates.clear();
  for (Shape& shape : shapes) shape.insert(shape.begin(), batch_size);
  return Specialize(std::move(part), shapes);
}

const Shape& OutputShape(const Graph& specialised) {
  return *specialised.type(specialised.outputs[0]).shape;
}

// Lengths of the time axes of the recurrent nodes, by their names.
std::map<std::string, int64_t> TimeSteps(const Graph& specialised) {
  std::map<std::string, int64_t> steps;
  for (const Node& node : specialised.nodes) {
    const OpDefinition& op = FactsOf(node);
    if (op.time_axis == nullptr) continue;
    steps[node.name] = (*specialised.type(node.inputs[0]).shape)[op.time_axis(node)];
  }
  return steps;
}

absl::Status CheckTime(const Graph& one, const Graph& larger) {
  const std::map<std::string, int64_t> steps = TimeSteps(larger);
  for (const auto& [node, count] : TimeSteps(one)) {
    const auto found = steps.find(node);
    if (found == steps.end() || found->second == count) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("train: node \"", node, "\" takes axis 0 of the input for time", kBatchFirst));
  }
  return absl::OkStatus();
}

absl::Status NoBatch(const std::string& output, const Shape& shape, int64_t batch_size) {
  const auto found = std::find(shape.begin(), shape.end(), batch_size);
  const std::string where = found == shape.end()
                                ? "no axis of which counts the samples"
                                : absl::StrCat("whose batch is axis ", found - shape.begin());
  return absl::InvalidArgumentError(absl::StrCat("train: output \"", output, "\" is ",
                                                 ShapeName(shape), " for a batch of ", batch_size,
                                                 ", ", where, kBatchFirst));
}

// Makes the axes unknown that change with the length of the samples.
absl::Status OpenSequenceAxes(const Graph& graph, ValueId output, const DataShapes& data,
                              Shape& shape) {
  const std::string where =
      absl::StrCat("train: --pad-to-multiple-of: output \"", graph.value(output).name, "\" ");
  const absl::StatusOr<Graph> shorter =
      GraphFor(graph, output, data.shorter_inputs, data.batch_size);
  if (!shorter.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, "takes samples of one length only: ", std::string(shorter.status().message())));
  }
  const Shape& found = OutputShape(*shorter);
  if (found[0] != shape[0]) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, "is ", ShapeName(shape), " for ", data.batch_size, " samples and ", ShapeName(found),
        " for shorter ones, expected as many rows; leave the option out"));
  }
  for (size_t axis = 1; axis < shape.size(); ++axis) {
    if (shape[axis] != found[axis]) shape[axis] = kUnknownDimension;
  }
  return absl::OkStatus();
}

// ---- Targets

bool Fits(int64_t known, int64_t found) { return known == kUnknownDimension || known == found; }

bool Fits(const Shape& known, const Shape& found) {
  return known.size() == found.size() &&
         std::equal(known.begin(), known.end(), found.begin(),
                    [](int64_t a, int64_t b) { return Fits(a, b); });
}

Shape WithoutOnes(const Shape& shape) {
  Shape squeezed;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(squeezed),
               [](int64_t dimension) { return dimension != 1; });
  return squeezed;
}

// A prediction as its samples see it.
struct Samples {
  Shape output;  // as the model has it
  Shape shape;   // of one sample: its rows, where there are several, then the other axes
  size_t first;  // where in `shape` axis 1 of the output is

  explicit Samples(const PredictionShape& prediction) : output(prediction.shape) {
    if (prediction.rows_a_sample != 1) shape.push_back(prediction.rows_a_sample);
    first = shape.size();
    shape.insert(shape.end(), output.begin() + 1, output.end());
  }
  Shape Labels(int64_t axis) const {
    Shape labels = shape;
    labels.erase(labels.begin() + static_cast<int64_t>(first) + axis - 1);
    return labels;
  }
};

Shape Batch(Shape sample) {
  sample.insert(sample.begin(), kUnknownDimension);
  return sample;
}

bool AreProbabilities(const Samples& samples, const Shape& target) {
  if (samples.output.size() == 2 && samples.output[1] == 1) return false;  // a column of labels
  return Fits(samples.shape, target) || Fits(WithoutOnes(samples.shape), WithoutOnes(target));
}

// The class axes at which labels of that shape fit; where none does, axes of length 1 may be
// missing or superfluous.
std::vector<int64_t> LabelAxes(const Samples& samples, const Shape& target) {
  std::vector<int64_t> exact;
  std::vector<int64_t> loose;
  const auto rank = static_cast<int64_t>(samples.output.size());
  for (int64_t axis = 1; axis < rank; ++axis) {
    if (rank > 2 && samples.output[static_cast<size_t>(axis)] == 1) continue;
    const Shape labels = samples.Labels(axis);
    if (Fits(labels, target)) exact.push_back(axis);
    if (Fits(WithoutOnes(labels), WithoutOnes(target))) loose.push_back(axis);
  }
  return exact.empty() ? loose : exact;
}

// "1, 2 or 3"
std::string AxisNames(const std::vector<int64_t>& axes) {
  std::string names;
  for (size_t i = 0; i < axes.size(); ++i) {
    absl::StrAppend(&names, i == 0 ? "" : i + 1 == axes.size() ? " or " : ", ", axes[i]);
  }
  return names;
}

std::string TargetName(const DataField& target) {
  return absl::StrCat("targets of shape ", ShapeName(target.shape), " a sample");
}

absl::StatusOr<int64_t> GivenAxis(int64_t axis, const Samples& samples, const DataField* target,
                                  bool is_soft) {
  const auto rank = static_cast<int64_t>(samples.output.size());
  absl::StatusOr<int64_t> normalized = NormalizeAxis(axis, rank);
  if (!normalized.ok() || *normalized == 0) {
    return absl::InvalidArgumentError(absl::StrCat("train: class axis ", axis,
                                                   " is no axis of a sample of the output ",
                                                   ShapeName(samples.output)));
  }
  if (target == nullptr || is_soft) return *normalized;
  const Shape labels = samples.Labels(*normalized);
  if (Fits(WithoutOnes(labels), WithoutOnes(target->shape))) return *normalized;
  return absl::InvalidArgumentError(absl::StrCat(
      "train: found ", TargetName(*target), ", expected labels ", ShapeName(labels),
      " or probabilities ", ShapeName(samples.shape), " as the output ", ShapeName(samples.output),
      " has its classes along axis ", *normalized, "; see --class-axis"));
}

absl::StatusOr<int64_t> ChooseAxis(const Samples& samples, const DataField& target,
                                   std::string& note) {
  const std::vector<int64_t> axes = LabelAxes(samples, target.shape);
  const std::string output = ShapeName(samples.output);
  if (axes.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: found ", TargetName(target), ", expected labels ",
                     ShapeName(samples.Labels(1)), " or probabilities ", ShapeName(samples.shape),
                     " for the output ", output, "; check the targets' shape"));
  }
  if (axes.size() == 1) return axes[0];
  const std::string several = absl::StrCat(TargetName(target), " fit the output ", output,
                                           " with its classes along axis ", AxisNames(axes));
  if (axes[0] != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: ", several, "; say which with --class-axis"));
  }
  note = absl::StrCat(several, "; axis 1 is taken, as PyTorch does, --class-axis says otherwise");
  return 1;
}

absl::Status CheckClassWeights(const LossOptions& options, int64_t classes) {
  const auto weights = static_cast<int64_t>(options.class_weights.size());
  if (weights == 0 || classes == kUnknownDimension || weights == classes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("train: found ", weights,
                                                 " class weights, expected one for each of the ",
                                                 classes, " classes of the model's output"));
}

// The bound of labels; the loss itself knows it where the classes grow with the batch.
int64_t ClassCount(const LossOptions& options, int64_t classes) {
  if (classes != kUnknownDimension) return classes;
  return options.class_weights.empty() ? std::numeric_limits<int64_t>::max()
                                       : static_cast<int64_t>(options.class_weights.size());
}

absl::StatusOr<TargetForm> ClassForm(const LossOptions& options, DataType type,
                                     const Samples& samples, std::optional<int64_t> given_axis,
                                     const DataField* target) {
  if (samples.output.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "train: the output ", ShapeName(samples.output),
        " has one number per sample, expected one for each class; for such an output use --loss "
        "binary_cross_entropy or mse"));
  }
  TargetForm form;
  TargetInterface& interface = form.interface;
  interface.ignore_index = options.ignore_index;
  const bool is_soft = target != nullptr && AreProbabilities(samples, target->shape);
  if (given_axis) {
    STROP_ASSIGN_OR_RETURN(form.class_axis, GivenAxis(*given_axis, samples, target, is_soft));
  } else if (target != nullptr && !is_soft) {
    STROP_ASSIGN_OR_RETURN(form.class_axis, ChooseAxis(samples, *target, form.note));
  }
  const int64_t classes = samples.output[static_cast<size_t>(form.class_axis)];
  STROP_RETURN_IF_ERROR(CheckClassWeights(options, classes));
  if (is_soft) {
    interface.kind = TargetInterface::Kind::kProbabilities;
    interface.type = {type, Batch(samples.shape)};
    interface.class_axis = static_cast<int64_t>(samples.first) + form.class_axis - 1;
    return form;
  }
  interface.kind = TargetInterface::Kind::kClasses;
  interface.type = {DataType::kInt64, Batch(samples.Labels(form.class_axis))};
  interface.class_count = ClassCount(options, classes);
  return form;
}

}  // namespace

Shape SampleBatch(const PredictionShape& prediction) { return Batch(Samples(prediction).shape); }

std::string SingleNumberProblem(const std::string& output) {
  return absl::StrCat(
      "output \"", output,
      "\" is a single number for a whole batch, expected a prediction for each sample to compare "
      "with a target; where the model has another output, choose that with --train-output");
}

absl::Status SingleNumber(const std::string& output) {
  return absl::InvalidArgumentError(absl::StrCat("train: ", SingleNumberProblem(output)));
}

absl::StatusOr<PredictionShape> FindPredictionShape(const Graph& graph, ValueId output,
                                                    const DataShapes& data) {
  const std::string& name = graph.value(output).name;
  STROP_ASSIGN_OR_RETURN(const Graph one, GraphFor(graph, output, data.inputs, data.batch_size));
  Shape shape = OutputShape(one);
  if (shape.empty()) return SingleNumber(name);
  PredictionShape prediction;
  prediction.rows_a_sample = shape[0] / data.batch_size;
  bool has_batch = shape[0] > 0 && shape[0] % data.batch_size == 0;
  // How the shapes change with the batch tells which axes count samples.
  const absl::StatusOr<Graph> larger = GraphFor(graph, output, data.inputs, data.batch_size + 1);
  if (larger.ok()) STROP_RETURN_IF_ERROR(CheckTime(one, *larger));
  if (larger.ok() && !data.has_fixed_batch) {
    const Shape& grown = OutputShape(*larger);
    has_batch &= grown[0] == prediction.rows_a_sample * (data.batch_size + 1);
    for (size_t axis = 1; axis < shape.size(); ++axis) {
      if (shape[axis] != grown[axis]) shape[axis] = kUnknownDimension;
    }
  }
  if (!has_batch) return NoBatch(name, OutputShape(one), data.batch_size);
  if (!data.shorter_inputs.empty()) {
    STROP_RETURN_IF_ERROR(OpenSequenceAxes(graph, output, data, shape));
  }
  shape[0] = kUnknownDimension;
  prediction.shape = std::move(shape);
  return prediction;
}

absl::StatusOr<TargetForm> FindTargetForm(const LossOptions& options, DataType type,
                                          const PredictionShape& prediction,
                                          std::optional<int64_t> softmax_axis,
                                          const std::optional<DataField>& target) {
  if (options.kind == LossKind::kCrossEntropy) {
    return ClassForm(options, type, Samples(prediction),
                     options.class_axis ? options.class_axis : softmax_axis,
                     target ? &*target : nullptr);
  }
  TargetForm form;
  TargetInterface& interface = form.interface;
  interface.kind = options.kind == LossKind::kBinaryCrossEntropy ? TargetInterface::Kind::kShares
                                                                 : TargetInterface::Kind::kNumbers;
  interface.type = {type, SampleBatch(prediction)};
  return form;
}

}  // namespace strop
