// Views: the same elements under another shape. Nothing runs; every gradient is the cotangent under
// the input's shape.
//
//   Reshape-25    y.shape = shape, 0 copies the input's dimension (unless allowzero), -1 is
//   inferred Flatten-25    [Π d_i (i < axis), Π d_i (i ≥ axis)] Squeeze-25    drops dimensions of
//   extent 1 (all of them, or those at `axes`) Unsqueeze-25  inserts dimensions of extent 1 at
//   `axes` of the result Identity-25   y = x ReshapeLike(dY, X) {}   dY under X's shape

#include "absl/strings/str_cat.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Type rules

absl::Status ReshapeShape(ShapeContext& context) {
  const Shape& input = context.input(0);
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> wanted, context.ConstantIntegers(1));
  const bool allow_zero = context.node().attributes.Int("allowzero", 0) != 0;
  Shape shape(wanted.begin(), wanted.end());
  int inferred = -1;
  int64_t known = 1;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0 && !allow_zero) {
      if (axis >= input.size()) {
        return context.Mismatch(
            absl::StrCat("shape ", ShapeName(wanted), " for an input of shape ", ShapeName(input)),
            "a 0 only where the input has a dimension to copy");
      }
      shape[axis] = input[axis];
    }
    if (shape[axis] < -1 || (shape[axis] == -1 && inferred >= 0)) {
      return context.Mismatch(absl::StrCat("shape ", ShapeName(wanted)),
                              "no dimension below -1 and at most one -1");
    }
    if (shape[axis] == -1) {
      inferred = static_cast<int>(axis);
    } else {
      known *= shape[axis];
    }
  }
  const int64_t count = ElementCount(input);
  if (inferred >= 0 && known != 0) shape[static_cast<size_t>(inferred)] = count / known;
  if (inferred >= 0 && known == 0) shape[static_cast<size_t>(inferred)] = 0;
  const absl::StatusOr<int64_t> result = CheckedElementCount(shape);
  if (!result.ok() || *result != count) {
    return context.Mismatch(
        absl::StrCat("shape ", ShapeName(wanted), " for an input of shape ", ShapeName(input)),
        absl::StrCat("a shape of ", count, " elements"));
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status ReshapeLikeShape(ShapeContext& context) {
  if (ElementCount(context.input(0)) != ElementCount(context.input(1))) {
    return context.Mismatch(ShapeName(context.input(0)),
                            "as many elements as " + ShapeName(context.input(1)));
  }
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

absl::Status FlattenShape(ShapeContext& context) {
  const Shape& input = context.input(0);
  const int64_t rank = context.rank(0);
  int64_t axis = context.node().attributes.Int("axis", 1);
  if (axis < -rank || axis > rank) {
    return context.Mismatch(absl::StrCat("axis ", axis),
                            absl::StrCat("one in [", -rank, ",", rank, "]"));
  }
  if (axis < 0) axis += rank;
  const auto split = static_cast<size_t>(axis);
  context.set_output(0, {ElementCount(absl::MakeSpan(input).first(split)),
                         ElementCount(absl::MakeSpan(input).subspan(split))});
  return absl::OkStatus();
}

absl::Status SqueezeShape(ShapeContext& context) {
  const Shape& input = context.input(0);
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> axes, context.ConstantIntegers(1));
  STROP_ASSIGN_OR_RETURN(axes, AxesOf(context.node(), axes, context.rank(0)));
  const bool all = !context.has_input(1);
  Shape shape;
  size_t next = 0;
  for (size_t axis = 0; axis < input.size(); ++axis) {
    const bool named = next < axes.size() && axes[next] == static_cast<int64_t>(axis);
    if (named) ++next;
    if (named && input[axis] != 1) {
      return context.Mismatch(absl::StrCat("dimension ", axis, " of ", ShapeName(input)),
                              "extent 1 where axes names it");
    }
    if (!named && !(all && input[axis] == 1)) shape.push_back(input[axis]);
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status UnsqueezeShape(ShapeContext& context) {
  const Shape& input = context.input(0);
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> axes, context.ConstantIntegers(1));
  const size_t rank = input.size() + axes.size();
  STROP_ASSIGN_OR_RETURN(axes, AxesOf(context.node(), axes, static_cast<int64_t>(rank)));
  Shape shape;
  size_t inserted = 0;
  for (size_t axis = 0; axis < rank; ++axis) {
    if (inserted < axes.size() && axes[inserted] == static_cast<int64_t>(axis)) {
      shape.push_back(1);
      ++inserted;
    } else {
      shape.push_back(input[axis - inserted]);
    }
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

// ---- Gradient rules

// dX = ReshapeLike(dY, X).
absl::Status ViewGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.EmitStrop("ReshapeLike", {context.output_gradient(0), context.input(0)}));
  return absl::OkStatus();
}

absl::Status IdentityGradient(GradientContext& context) {
  context.SetInputGradient(0, context.output_gradient(0));
  return absl::OkStatus();
}

// ---- Definitions

OpDefinition View(std::string_view name, int since_version, int minimum_inputs, int maximum_inputs,
                  absl::Status (*shapes)(ShapeContext&),
                  absl::Status (*gradient)(GradientContext&) = ViewGradient) {
  return {.name = name,
          .since_version = since_version,
          .minimum_inputs = minimum_inputs,
          .maximum_inputs = maximum_inputs,
          .shapes = shapes,
          .differentiability = {Differentiability::kDifferentiable,
                                Differentiability::kNotDifferentiable},
          .gradient = gradient,
          .kernels = {ViewKernel},
          .is_view = true,
          .element_move = ElementMove::kReordered};
}

OpDefinition ReshapeLike() {
  OpDefinition op = View("ReshapeLike", 1, 2, 2, ReshapeLikeShape);
  op.domain = kStropDomain;
  op.input_use = {InputUse::kElements, InputUse::kShapeOnly};
  return op;
}

}  // namespace

const RegisteredFamily kReshape = {
    "reshape",
    {
        View("Reshape", 25, 2, 2, ReshapeShape),
        View("Flatten", 25, 1, 1, FlattenShape),
        View("Squeeze", 25, 1, 2, SqueezeShape),
        View("Unsqueeze", 25, 2, 2, UnsqueezeShape),
        View("Identity", 25, 1, 1, SameShapeAsInput0, IdentityGradient),
        ReshapeLike(),
    }};

}  // namespace strop
