// Cross-entropy between logits and classes: log-softmax and the negative log likelihood in one.
//
//   X [N, C, D…] logits, C at `axis`; T labels [N, D…] or class probabilities [N, C, D…];
//   w [C] class weights (ones when absent); ε label smoothing; p runs over the positions [N, D…]
//     q[p,c] = w[c]·((1-ε)·t[p,c] + ε/C)      t one-hot for labels
//              for labels the weight of the first term is that of the label: w[y]·(1-ε)·[c = y]
//     L[p]   = -Σ_c q[p,c]·logsoftmax(X)[p,c]
//     loss   = Σ_p L[p] / Z        Z = Σ_p w[y_p] for labels, the number of positions otherwise
//     dX     = dloss/Z·(softmax(X)[p,c]·Σ_c q[p,c] - q[p,c])
//   A position whose label is ignore_index counts nowhere. Where Z = 0, as nothing counts, dX is 0.
//
//   strop CrossEntropyLoss           as torch.nn.CrossEntropyLoss, but 0 and not NaN for Z = 0:
//   such
//                                    a batch adds nothing to what it is trained with
//   SoftmaxCrossEntropyLoss-13       axis 1, no smoothing; its second output is logsoftmax(X)
//   NegativeLogLikelihoodLoss-22     the same without the softmax: X holds log-probabilities
//
// Forward leaves max and log Σ exp(X - max) of each position, and Z, for the gradient.

#include "absl/strings/str_cat.h"
#include "ops/core/family.h"
#include "ops/training/cross_entropy_kernel.h"
#include "ops/training/cross_entropy_rows.h"

namespace strop {
namespace {

// ---- Attributes

absl::Status CheckAttributes(const Node& node) {
  STROP_RETURN_IF_ERROR(CheckReduction(node));
  const double smoothing = CrossEntropyAttributes(node).label_smoothing;
  if (smoothing >= 0 && smoothing <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found label_smoothing ",
                                                 smoothing, ", expected a number from 0 to 1"));
}

// ---- Type rules

absl::StatusOr<int64_t> ClassAxis(const Node& node, int64_t rank) {
  return NormalizeAxis(CrossEntropyAttributes(node).axis.value_or(rank == 1 ? 0 : 1), rank);
}

absl::Status CheckOperands(const ShapeContext& context, int64_t axis) {
  const Shape& logits = context.input(0);
  const Shape labels = LabelShape(logits, axis);
  const bool may_be_soft = context.node().domain == kStropDomain;
  if (context.input(1) != labels && !(may_be_soft && context.input(1) == logits)) {
    return context.Mismatch(
        absl::StrCat("a target ", ShapeName(context.input(1)), " for logits ", ShapeName(logits)),
        absl::StrCat("labels ", ShapeName(labels),
                     may_be_soft ? absl::StrCat(" or probabilities ", ShapeName(logits)) : ""));
  }
  const int64_t classes = logits[static_cast<size_t>(axis)];
  if (context.has_input(2) && context.input(2) != Shape{classes}) {
    return context.Mismatch(absl::StrCat("class weights ", ShapeName(context.input(2))),
                            absl::StrCat("one for each of ", classes, " classes"));
  }
  return absl::OkStatus();
}

// (loss, statistics [2, positions], Z); SoftmaxCrossEntropyLoss has log_prob in the second place.
absl::Status LossShapes(ShapeContext& context) {
  absl::StatusOr<int64_t> axis = ClassAxis(context.node(), context.rank(0));
  if (!axis.ok()) return context.Mismatch(ShapeName(context.input(0)), "logits with a class axis");
  STROP_RETURN_IF_ERROR(CheckOperands(context, *axis));
  Shape labels = LabelShape(context.input(0), *axis);
  const int64_t positions = ElementCount(labels);
  const bool reduces = ReductionOf(context.node()) != LossReduction::kNone;
  size_t next = 0;
  context.set_output(next++, reduces ? Shape() : std::move(labels));
  if (context.node().op_type == "SoftmaxCrossEntropyLoss") {
    context.set_output(next++, context.input(0));
  }
  context.set_output(next++, {2, positions});
  context.set_output(next++, {});
  return absl::OkStatus();
}

// The loss has the logits' type, what is saved the type that the kernel computes in.
absl::Status LossElementTypes(ElementTypeContext& context) {
  const DataType logits = context.input(0);
  const bool has_log_prob = context.node().op_type == "SoftmaxCrossEntropyLoss";
  context.set_all_outputs(logits == DataType::kDouble ? logits : DataType::kFloat);
  context.set_output(0, logits);
  if (has_log_prob) context.set_output(1, logits);
  return absl::OkStatus();
}

absl::Status GradientElementTypes(ElementTypeContext& context) {
  context.set_all_outputs(context.input(1));
  return absl::OkStatus();
}

absl::Status GradientShapes(ShapeContext& context) {
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rules

// dX = <Op>Gradient(dloss, X, target, weight, statistics, Z).
absl::Status CrossEntropyGradientRule(GradientContext& context) {
  const Node& node = context.node();
  const bool has_log_prob = node.op_type == "SoftmaxCrossEntropyLoss";
  const size_t saved = has_log_prob ? 2 : 1;
  const ValueId weight = node.inputs.size() > 2 ? context.input(2) : kNoValue;
  ValueId gradient = kNoValue;
  if (context.output_gradient(0) != kNoValue) {
    gradient = context.EmitStrop(node.op_type == "NegativeLogLikelihoodLoss"
                                     ? "NegativeLogLikelihoodLossGradient"
                                     : "CrossEntropyLossGradient",
                                 {context.output_gradient(0), context.input(0), context.input(1),
                                  weight, context.output(saved), context.output(saved + 1)},
                                 node.attributes);
  }
  if (has_log_prob && context.output_gradient(1) != kNoValue) {
    // Through log_prob: d - softmax(X)·Σ_c d.
    const ValueId d = context.output_gradient(1);
    const ValueId axes = context.Constant(Tensor::FromVector<int64_t>({1}, {1}));
    const ValueId through_log =
        context.Emit("Sub", {d, context.Emit("Mul", {context.Emit("Exp", {context.output(1)}),
                                                     context.Emit("ReduceSum", {d, axes})})});
    gradient = gradient == kNoValue ? through_log : context.Emit("Add", {gradient, through_log});
  }
  if (gradient == kNoValue) {
    context.SetZeroGradient(0);
  } else {
    context.SetInputGradient(0, gradient);
  }
  return absl::OkStatus();
}

// ---- Kernels

template <typename T, typename Rows>
absl::StatusOr<std::unique_ptr<Kernel>> Make(const KernelRequest& request) {
  const size_t first = request.node.op_type.ends_with("Gradient") ? 1 : 0;
  STROP_ASSIGN_OR_RETURN(const int64_t axis, ClassAxis(request.node, request.inputs[first].rank()));
  const CrossEntropy<T, Rows> computation(request, first, axis);
  return MakeKernel(
      [computation, first](const KernelArguments& arguments) {
        return first == 0 ? computation.Forward(arguments) : computation.Backward(arguments);
      },
      computation.workspace_bytes());
}

absl::StatusOr<std::unique_ptr<Kernel>> CrossEntropyGeneric(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const size_t first = request.node.op_type.ends_with("Gradient") ? 1 : 0;
  STROP_RETURN_IF_ERROR(VisitFloating(
      request.inputs[first].type, request.node.op_type, [&]<typename T>() -> absl::Status {
        STROP_ASSIGN_OR_RETURN(kernel, (Make<T, GenericRows<T>>(request)));
        return absl::OkStatus();
      }));
  return kernel;
}

// float, classes side by side: the exponentials of a row at once.
absl::StatusOr<std::unique_ptr<Kernel>> CrossEntropyVector(const KernelRequest& request) {
  const size_t first = request.node.op_type.ends_with("Gradient") ? 1 : 0;
  if (request.inputs[first].type != DataType::kFloat) return nullptr;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, (Make<float, VectorRows>(request)));
  kernel->implementation = "vector";
  return kernel;
}

// ---- Definitions

OpDefinition Loss(std::string_view name, std::string_view domain, int since_version,
                  int maximum_outputs) {
  return {
      .name = name,
      .domain = domain,
      .since_version = since_version,
      .minimum_inputs = 2,
      .maximum_inputs = 3,
      .maximum_outputs = maximum_outputs,
      .check_attributes = CheckAttributes,
      .element_types = LossElementTypes,
      .shapes = LossShapes,
      .differentiability = {Differentiability::kDifferentiable, Differentiability::kNotImplemented},
      .gradient = CrossEntropyGradientRule,
      .kernels = {CrossEntropyVector, CrossEntropyGeneric}};
}

// (dloss, X, target, weight, statistics, Z)
OpDefinition LossGradient(std::string_view name) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 6,
          .check_attributes = CheckAttributes,
          .element_types = GradientElementTypes,
          .shapes = GradientShapes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {CrossEntropyVector, CrossEntropyGeneric},
          .in_place = {{1, 0}}};
}

}  // namespace

const RegisteredFamily kCrossEntropy = {"cross_entropy",
                                        {
                                            Loss("CrossEntropyLoss", kStropDomain, 1, 3),
                                            LossGradient("CrossEntropyLossGradient"),
                                            Loss("SoftmaxCrossEntropyLoss", "", 13, 4),
                                            Loss("NegativeLogLikelihoodLoss", "", 22, 3),
                                            LossGradient("NegativeLogLikelihoodLossGradient"),
                                        }};

}  // namespace strop
