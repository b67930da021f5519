// Broadcasting and its adjoint. X below is shape-only.
//
//   Expand-13              y = x broadcast against `shape`       dx = SumToLike(dy, x)
//   SumToLike(dY, X)       dY summed over the axes along which X was broadcast to dY's shape
//   BroadcastLike(dY, X[, axes]) {keepdims, noop_with_empty_axes, axes, mean}
//     the adjoint of ReduceSum(X, axes), or of ReduceMean with mean = 1: dY is repeated along the
//     reduced axes. With keepdims = 1 (the default) this is dY broadcast to X's shape.

#include "absl/strings/str_cat.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/reducers.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// `shape` with ones in front up to `rank`.
Shape PaddedShape(absl::Span<const int64_t> shape, size_t rank) {
  Shape padded(rank - shape.size(), 1);
  padded.insert(padded.end(), shape.begin(), shape.end());
  return padded;
}

bool BroadcastsTo(absl::Span<const int64_t> from, absl::Span<const int64_t> to) {
  if (from.size() > to.size()) return false;
  const Shape padded = PaddedShape(from, to.size());
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (padded[axis] != 1 && padded[axis] != to[axis]) return false;
  }
  return true;
}

// ---- Attributes

struct BroadcastLikeAttributes {
  bool keep_dimensions;
  bool no_axes_is_no_reduction;
  bool mean;  // divide by the number of elements that each element of dY stands for
  std::vector<int64_t> axes;

  explicit BroadcastLikeAttributes(const Node& node)
      : keep_dimensions(node.attributes.Int("keepdims", 1) != 0),
        no_axes_is_no_reduction(node.attributes.Int("noop_with_empty_axes", 0) != 0),
        mean(node.attributes.Int("mean", 0) != 0),
        axes(node.attributes.Ints("axes")) {}
};

// dY's shape with the reduced axes kept as ones. `axes`: input 2, empty when absent.
absl::StatusOr<Shape> KeptShape(const Node& node, const Shape& reduced, const Shape& full,
                                std::vector<int64_t> axes) {
  const BroadcastLikeAttributes attributes(node);
  if (attributes.keep_dimensions) {
    if (!BroadcastsTo(reduced, full)) {
      return absl::InvalidArgumentError(
          absl::StrCat(NodeLabel(node), ": found shape ", ShapeName(reduced),
                       ", expected one that broadcasts to ", ShapeName(full)));
    }
    return PaddedShape(reduced, full.size());
  }
  if (axes.empty()) axes = attributes.axes;
  STROP_ASSIGN_OR_RETURN(axes, AxesOf(node, axes, static_cast<int64_t>(full.size())));
  const bool all = axes.empty() && !attributes.no_axes_is_no_reduction;
  Shape kept = full;
  if (all) kept.assign(full.size(), 1);
  for (const int64_t axis : axes) kept[static_cast<size_t>(axis)] = 1;
  if (ElementCount(kept) != ElementCount(reduced)) {
    return absl::InvalidArgumentError(
        absl::StrCat(NodeLabel(node), ": found shape ", ShapeName(reduced), ", expected ",
                     ElementCount(kept), " elements for a tensor of shape ", ShapeName(full)));
  }
  return kept;
}

// ---- Type rules

absl::Status ExpandShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> wanted, context.ConstantIntegers(1));
  for (const int64_t dimension : wanted) {
    if (dimension < 0) {
      return context.Mismatch("shape " + ShapeName(wanted), "no negative dimension");
    }
  }
  absl::StatusOr<Shape> shape = Broadcast(context.input(0), wanted);
  if (!shape.ok()) {
    return context.Mismatch("shape " + ShapeName(wanted),
                            "one to which " + ShapeName(context.input(0)) + " broadcasts");
  }
  context.set_output(0, *std::move(shape));
  return absl::OkStatus();
}

absl::Status SumToLikeShape(ShapeContext& context) {
  if (!BroadcastsTo(context.input(1), context.input(0))) {
    return context.Mismatch(ShapeName(context.input(0)),
                            "a shape to which " + ShapeName(context.input(1)) + " broadcasts");
  }
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

absl::Status BroadcastLikeShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> axes, context.ConstantIntegers(2));
  STROP_RETURN_IF_ERROR(
      KeptShape(context.node(), context.input(0), context.input(1), std::move(axes)).status());
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rules

absl::Status ExpandGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.EmitStrop("SumToLike", {context.output_gradient(0), context.input(0)}));
  return absl::OkStatus();
}

absl::Status SumToLikeGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.EmitStrop("BroadcastLike", {context.output_gradient(0), context.input(0)}));
  return absl::OkStatus();
}

// The adjoint of the adjoint: the reduction itself. With keepdims the axes need not be named.
absl::Status BroadcastLikeGradient(GradientContext& context) {
  const BroadcastLikeAttributes attributes(context.node());
  const ValueId gradient = context.output_gradient(0);
  if (attributes.keep_dimensions && !attributes.mean) {
    context.SetInputGradient(0, context.EmitStrop("SumToLike", {gradient, context.input(0)}));
    return absl::OkStatus();
  }
  std::vector<ValueId> inputs = {gradient};
  if (context.input(2) != kNoValue) {
    inputs.push_back(context.input(2));
  } else if (!attributes.axes.empty()) {
    const auto count = static_cast<int64_t>(attributes.axes.size());
    inputs.push_back(context.Constant(Tensor::FromVector<int64_t>({count}, attributes.axes)));
  }
  const Attributes reduce = {{"keepdims", int64_t{attributes.keep_dimensions}},
                             {"noop_with_empty_axes", int64_t{attributes.no_axes_is_no_reduction}}};
  context.SetInputGradient(
      0, context.Emit(attributes.mean ? "ReduceMean" : "ReduceSum", std::move(inputs), reduce));
  return absl::OkStatus();
}

// ---- Kernels

// Repeats a dense array of shape `from` along the axes where it has extent 1.
StridedBox BroadcastBox(absl::Span<const int64_t> from, const Shape& to) {
  const Shape padded = PaddedShape(from, to.size());
  StridedBox box;
  box.shape = to;
  box.source_strides = DenseStrides(padded);
  box.destination_strides = DenseStrides(to);
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (padded[axis] == 1) box.source_strides[axis] = 0;
  }
  return box;
}

absl::StatusOr<std::unique_ptr<Kernel>> ExpandGeneric(const KernelRequest& request) {
  return StridedCopyKernel(request,
                           BroadcastBox(request.inputs[0].shape, request.outputs[0].shape));
}

absl::StatusOr<std::unique_ptr<Kernel>> SumToLikeGeneric(const KernelRequest& request) {
  const Shape& full = request.inputs[0].shape;
  const Shape kept = PaddedShape(request.outputs[0].shape, full.size());
  std::vector<bool> is_reduced;
  for (size_t axis = 0; axis < full.size(); ++axis) {
    is_reduced.push_back(kept[axis] != full[axis]);
  }
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = ReductionKernel<T, Total<T>>(Reduction(full, is_reduced));
        return absl::OkStatus();
      }));
  return kernel;
}

// dY / count into the workspace, then repeated from there.
template <typename T>
std::unique_ptr<Kernel> MeanBroadcastKernel(const StridedBox& box, int64_t small_count,
                                            int64_t repeats) {
  return MakeKernel(
      [box, small_count, repeats](const KernelArguments& arguments) {
        using Compute = ComputeType<T>;
        const T* dy = arguments.input<T>(0);
        T* scaled = static_cast<T*>(arguments.workspace);
        ParallelFor(small_count, 4096, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            scaled[i] = static_cast<T>(static_cast<Compute>(dy[i]) / static_cast<Compute>(repeats));
          }
        });
        CopyStrided(box, sizeof(T), scaled, arguments.outputs[0]);
        return absl::OkStatus();
      },
      static_cast<size_t>(small_count) * sizeof(T));
}

absl::StatusOr<std::unique_ptr<Kernel>> BroadcastLikeGeneric(const KernelRequest& request) {
  const Shape& full = request.outputs[0].shape;
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> axes, ConstantIntegers(request, 2));
  STROP_ASSIGN_OR_RETURN(const Shape kept,
                         KeptShape(request.node, request.inputs[0].shape, full, std::move(axes)));
  const StridedBox box = BroadcastBox(kept, full);
  if (!BroadcastLikeAttributes(request.node).mean) return StridedCopyKernel(request, box);
  const int64_t small_count = ElementCount(kept);
  const int64_t repeats = small_count == 0 ? 1 : ElementCount(full) / small_count;
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MeanBroadcastKernel<T>(Simplify(box), small_count, repeats);
        return absl::OkStatus();
      }));
  return kernel;
}

}  // namespace

// ---- Definitions

const RegisteredFamily kExpand = {
    "expand",
    {
        {.name = "Expand",
         .since_version = 13,
         .minimum_inputs = 2,
         .maximum_inputs = 2,
         .shapes = ExpandShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = ExpandGradient,
         .kernels = {ExpandGeneric},
         .element_move = ElementMove::kSelected},
        {.name = "SumToLike",
         .domain = kStropDomain,
         .minimum_inputs = 2,
         .maximum_inputs = 2,
         .shapes = SumToLikeShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = SumToLikeGradient,
         .kernels = {SumToLikeGeneric},
         .input_use = {InputUse::kElements, InputUse::kShapeOnly}},
        {.name = "BroadcastLike",
         .domain = kStropDomain,
         .minimum_inputs = 2,
         .maximum_inputs = 3,
         .shapes = BroadcastLikeShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = BroadcastLikeGradient,
         .kernels = {BroadcastLikeGeneric},
         .input_use = {InputUse::kElements, InputUse::kShapeOnly, InputUse::kElements}},
    }};

}  // namespace strop
