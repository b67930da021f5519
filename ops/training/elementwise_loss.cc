#include "ops/training/elementwise_loss.h"

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// (x, t[, pos_weight]) from input `first` on.
absl::Status CheckOperands(const ShapeContext& context, size_t first) {
  const Shape& x = context.input(first);
  if (context.input(first + 1) != x) {
    return context.Mismatch(absl::StrCat("a target ", ShapeName(context.input(first + 1)),
                                         " for predictions ", ShapeName(x)),
                            "equal shapes");
  }
  if (!context.has_input(first + 2)) return absl::OkStatus();
  const absl::StatusOr<Shape> broadcast = Broadcast(x, context.input(first + 2));
  if (broadcast.ok() && *broadcast == x) return absl::OkStatus();
  return context.Mismatch(absl::StrCat("pos_weight ", ShapeName(context.input(first + 2))),
                          absl::StrCat("a shape that broadcasts to ", ShapeName(x)));
}

}  // namespace

absl::Status ElementwiseLossShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(CheckOperands(context, 0));
  const bool reduces = ReductionOf(context.node()) != LossReduction::kNone;
  context.set_output(0, reduces ? Shape() : context.input(0));
  return absl::OkStatus();
}

absl::Status ElementwiseLossGradientShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(CheckOperands(context, 1));
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

absl::Status ElementwiseLossGradientType(ElementTypeContext& context) {
  context.set_all_outputs(context.input(1));
  return absl::OkStatus();
}

// dx = <Op>Gradient(dloss, x, t[, pos_weight]). In the symmetric losses t's gradient is x's with
// the two exchanged.
absl::Status ElementwiseLossGradientRule(GradientContext& context) {
  const Node& node = context.node();
  const std::string op = node.op_type + "Gradient";
  const ValueId gradient = context.output_gradient(0);
  for (size_t i = 0; i < 2; ++i) {
    if (!context.needs_gradient(i)) continue;
    if (gradient == kNoValue) {
      context.SetZeroGradient(i);
      continue;
    }
    std::vector<ValueId> inputs = {gradient, context.input(i), context.input(1 - i)};
    if (node.inputs.size() > 2) inputs.push_back(context.input(2));
    context.SetInputGradient(i, context.EmitStrop(op, std::move(inputs), node.attributes));
  }
  return absl::OkStatus();
}

}  // namespace strop
