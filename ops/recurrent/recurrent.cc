#include "ops/recurrent/recurrent.h"

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/operation_count.h"

namespace strop {
namespace {

int64_t DirectionsOf(const Node& node) {
  return node.attributes.String("direction", "forward") == "bidirectional" ? 2 : 1;
}

bool IsBatchFirst(const Node& node) { return node.attributes.Int("layout", 0) == 1; }

// Elements of each operand of the half type, -1 for the others.
std::vector<int64_t> HalfCounts(absl::Span<const TensorDescription> operands, DataType half) {
  std::vector<int64_t> counts;
  for (const TensorDescription& operand : operands) {
    const bool is_half = operand.is_present && operand.type == half;
    counts.push_back(is_half ? operand.element_count() : -1);
  }
  return counts;
}

std::vector<TensorDescription> Widened(absl::Span<const TensorDescription> operands,
                                       DataType half) {
  std::vector<TensorDescription> widened(operands.begin(), operands.end());
  for (TensorDescription& operand : widened) {
    if (operand.type == half) operand.type = DataType::kFloat;
    operand.constant = nullptr;
  }
  return widened;
}

template <typename To, typename From>
void ConvertElements(const From* from, int64_t count, To* to) {
  constexpr int64_t kGrain = 4096;
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = static_cast<To>(from[i]);
  });
}

// Runs a float kernel on float copies of half operands.
template <typename Half>
class HalfKernel {
 public:
  HalfKernel(const KernelRequest& request, std::unique_ptr<Kernel> in_float)
      : inner_(std::move(in_float)),
        input_counts_(HalfCounts(request.inputs, DataTypeOf<Half>::value)),
        output_counts_(HalfCounts(request.outputs, DataTypeOf<Half>::value)),
        inputs_(input_counts_.size()),
        outputs_(output_counts_.size()) {}

  size_t workspace_bytes() const {
    WorkspaceCursor cursor(nullptr);
    cursor.Take<char>(static_cast<int64_t>(inner_->workspace_bytes));
    for (const int64_t count : input_counts_) cursor.Take<float>(std::max<int64_t>(count, 0));
    for (const int64_t count : output_counts_) cursor.Take<float>(std::max<int64_t>(count, 0));
    return cursor.bytes();
  }

  absl::Status Run(const KernelArguments& arguments) {
    WorkspaceCursor cursor(arguments.workspace);
    void* const space = cursor.Take<char>(static_cast<int64_t>(inner_->workspace_bytes));
    for (size_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i] = arguments.inputs[i];
      if (input_counts_[i] < 0 || inputs_[i] == nullptr) continue;
      float* const copy = cursor.Take<float>(input_counts_[i]);
      ConvertElements(arguments.input<Half>(i), input_counts_[i], copy);
      inputs_[i] = copy;
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      outputs_[i] = arguments.outputs[i];
      if (output_counts_[i] < 0 || outputs_[i] == nullptr) continue;
      outputs_[i] = cursor.Take<float>(output_counts_[i]);
    }
    STROP_RETURN_IF_ERROR(inner_->run({inputs_, absl::MakeSpan(outputs_), space, arguments.step}));
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (outputs_[i] == arguments.outputs[i]) continue;
      ConvertElements(static_cast<const float*>(outputs_[i]), output_counts_[i],
                      arguments.output<Half>(i));
    }
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<Kernel> inner_;
  std::vector<int64_t> input_counts_;
  std::vector<int64_t> output_counts_;
  std::vector<const void*> inputs_;
  std::vector<void*> outputs_;
};

// All inputs but sequence_lens have a gradient.
size_t InputOfGradient(size_t output) { return output < kSequenceLengths ? output : output + 1; }

template <typename Half>
absl::StatusOr<std::unique_ptr<Kernel>> ThroughFloat(const KernelRequest& request,
                                                     RecurrentFactory in_float) {
  const std::vector<TensorDescription> inputs = Widened(request.inputs, DataTypeOf<Half>::value);
  const std::vector<TensorDescription> outputs = Widened(request.outputs, DataTypeOf<Half>::value);
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> inner,
                         in_float(KernelRequest{request.node, inputs, outputs}));
  auto kernel = std::make_shared<HalfKernel<Half>>(request, std::move(inner));
  return MakeKernel([kernel](const KernelArguments& arguments) { return kernel->Run(arguments); },
                    kernel->workspace_bytes());
}

}  // namespace

RecurrentShape RecurrentShapeOf(const KernelRequest& request, int64_t gates) {
  const Shape& x = request.inputs[kSequence].shape;
  const Shape& recurrence = request.inputs[kRecurrence].shape;
  RecurrentShape shape;
  shape.is_batch_first = IsBatchFirst(request.node);
  shape.steps = x[shape.is_batch_first ? 1 : 0];
  shape.batch = x[shape.is_batch_first ? 0 : 1];
  shape.inputs = x[2];
  shape.hidden = recurrence[2];
  shape.directions = recurrence[0];
  shape.gates = gates;
  shape.starts_reversed = request.node.attributes.String("direction", "forward") == "reverse";
  return shape;
}

absl::Status SequenceLengths::Check(int64_t batch, const std::string& label) const {
  for (int64_t b = 0; lengths_ != nullptr && b < batch; ++b) {
    if (lengths_[b] >= 0 && lengths_[b] <= steps_) continue;
    return absl::InvalidArgumentError(absl::StrCat("node ", label, ": sequence_lens[", b, "] is ",
                                                   lengths_[b], ", expected 0 to ", steps_));
  }
  return absl::OkStatus();
}

absl::Status RecurrentTypes(ElementTypeContext& context, size_t onnx_outputs) {
  const DataType type = context.input(kSequence);
  for (size_t i = 0; i < context.output_count(); ++i) {
    const bool is_saved = i >= onnx_outputs && type != DataType::kDouble;
    context.set_output(i, is_saved ? DataType::kFloat : type);
  }
  return absl::OkStatus();
}

absl::Status RecurrentForwardShape(ShapeContext& context, int64_t gates, int64_t biases) {
  const Node& node = context.node();
  if (context.rank(kSequence) != 3 || context.rank(kWeight) != 3 ||
      context.rank(kRecurrence) != 3) {
    return context.Mismatch("X, W, R of shapes " + ShapeName(context.input(kSequence)) + ", " +
                                ShapeName(context.input(kWeight)) + ", " +
                                ShapeName(context.input(kRecurrence)),
                            "three axes each");
  }
  const Shape& x = context.input(kSequence);
  const bool batch_first = IsBatchFirst(node);
  const int64_t steps = x[batch_first ? 1 : 0];
  const int64_t batch = x[batch_first ? 0 : 1];
  const int64_t directions = DirectionsOf(node);
  const int64_t hidden = node.attributes.Int("hidden_size", context.input(kRecurrence)[2]);
  const Shape state = StateShape(context);
  const std::pair<size_t, Shape> expected[] = {
      {kWeight, {directions, gates * hidden, x[2]}},
      {kRecurrence, {directions, gates * hidden, hidden}},
      {kBias, {directions, biases * hidden}},
      {kSequenceLengths, {batch}},
      {kInitialHidden, state},
      {kInitialCell, state},
      {kPeephole, {directions, 3 * hidden}},
  };
  for (const auto& [input, shape] : expected) {
    if (!context.has_input(input) || context.input(input) == shape) continue;
    return context.Mismatch(
        absl::StrCat("input ", input, " of shape ", ShapeName(context.input(input))),
        ShapeName(shape));
  }
  context.set_output(0, batch_first ? Shape{batch, steps, directions, hidden}
                                    : Shape{steps, directions, batch, hidden});
  context.set_output(1, state);
  return absl::OkStatus();
}

Shape StateShape(const ShapeContext& context) {
  const Shape& x = context.input(kSequence);
  const int64_t directions = DirectionsOf(context.node());
  const int64_t hidden = context.input(kRecurrence)[2];
  return IsBatchFirst(context.node()) ? Shape{x[0], directions, hidden}
                                      : Shape{directions, x[1], hidden};
}

Shape SavedShape(const ShapeContext& context, int64_t columns) {
  const Shape& x = context.input(kSequence);
  return {DirectionsOf(context.node()), x[0] * x[1], columns};
}

absl::Status RecurrentGradientShape(ShapeContext& context) {
  for (size_t i = 0; i < context.output_count(); ++i) {
    const size_t input = InputOfGradient(i);
    if (context.has_input(input)) context.set_output(i, context.input(input));
  }
  return absl::OkStatus();
}

absl::Status EmitRecurrentGradient(GradientContext& context, size_t last_input,
                                   const std::vector<ValueId>& saved, size_t onnx_outputs) {
  const Node& node = context.node();
  std::vector<ValueId> inputs;
  for (size_t i = 0; i <= last_input; ++i) {
    inputs.push_back(i < node.inputs.size() ? context.input(i) : kNoValue);
  }
  inputs.insert(inputs.end(), saved.begin(), saved.end());
  for (size_t i = 0; i < onnx_outputs; ++i) inputs.push_back(context.output_gradient(i));
  const std::vector<ValueId> gradients = context.EmitIn(
      kStropDomain, node.op_type + "Gradient", std::move(inputs), node.attributes, last_input);
  for (size_t i = 0; i < gradients.size(); ++i) {
    const size_t input = InputOfGradient(i);
    if (input < node.inputs.size() && context.input(input) != kNoValue &&
        context.needs_gradient(input)) {
      context.SetInputGradient(input, gradients[i]);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRecurrentAttributes(const Node& node) {
  const std::string direction = node.attributes.String("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", NodeLabel(node), ": direction is \"", direction,
                     "\", expected forward, reverse or bidirectional"));
  }
  return absl::OkStatus();
}

double RecurrentOperations(const Graph& graph, const Node& node) {
  const double width = DimensionFromEnd(graph, node.inputs[kSequence], 1);
  const double rows = Elements(graph, node.inputs, kSequence) / std::max(width, 1.0);
  return 2 * rows *
         (Elements(graph, node.inputs, kWeight) + Elements(graph, node.inputs, kRecurrence));
}

// The rows of the matrices, by direction.
Shape RecurrentWeightUnits(const Node&, size_t input, size_t /*rank*/) {
  return input == kWeight || input == kRecurrence ? Shape{0, 1} : Shape{};
}

size_t RecurrentTimeAxis(const Node& node) { return node.attributes.Int("layout", 0) == 0 ? 0 : 1; }

std::vector<InputRole> RecurrentRoles() {
  return {{kWeight, "weight"},
          {kRecurrence, "recurrence weight"},
          {kBias, "bias"},
          {kInitialHidden, "initial state", ConstantUse::kFrozen}};
}

std::vector<Differentiability> RecurrentDifferentiability() {
  std::vector<Differentiability> inputs(kPeephole + 1, Differentiability::kDifferentiable);
  inputs[kSequenceLengths] = Differentiability::kNotDifferentiable;
  return inputs;
}

absl::StatusOr<std::unique_ptr<Kernel>> RecurrentKernel(const KernelRequest& request,
                                                        RecurrentFactory in_float,
                                                        RecurrentFactory in_double) {
  switch (request.inputs[kSequence].type) {
    case DataType::kFloat:
      return in_float(request);
    case DataType::kDouble:
      return in_double(request);
    case DataType::kFloat16:
      return ThroughFloat<Float16>(request, in_float);
    case DataType::kBFloat16:
      return ThroughFloat<BFloat16>(request, in_float);
    default:
      return absl::InvalidArgumentError(
          absl::StrCat(NodeLabel(request.node), " takes floating tensors"));
  }
}

}  // namespace strop
