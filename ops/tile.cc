// Repetition, masks and reversal.
//
//   Tile-13             y[i] = x[i mod x.shape]                dx = TileGradient(dy, x)
//   Trilu-14            y[…,i,j] = x[…,i,j] where j − i ≥ k (upper) or ≤ k (lower), else 0
//                       dx = Trilu(dy, k)
//   ReverseSequence-28  the first sequence_lens[b] elements along time_axis reversed, for each b
//                       dx = ReverseSequence(dy, sequence_lens)
//
//   TileGradient(dY, X:shape-only)                              Σ of the copies

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/reducers.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Type rules

absl::Status TileShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<int64_t> repeats, context.ConstantIntegers(1));
  Shape shape = context.input(0);
  bool valid = repeats.size() == shape.size();
  for (size_t axis = 0; valid && axis < shape.size(); ++axis) {
    valid = repeats[axis] >= 0 && repeats[axis] < (int64_t{1} << 40);
    shape[axis] *= valid ? repeats[axis] : 0;
  }
  if (!valid) {
    return context.Mismatch("repeats " + ShapeName(repeats),
                            "one number ≥ 0 for each axis of " + ShapeName(context.input(0)));
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status TileGradientShape(ShapeContext& context) {
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

absl::Status TriluShape(ShapeContext& context) {
  if (context.rank(0) < 2) {
    return context.Mismatch("an input of shape " + ShapeName(context.input(0)),
                            "a matrix or a batch of them");
  }
  return SameShapeAsInput0(context);
}

struct ReverseAxes {
  size_t batch = 0;
  size_t time = 0;
};

absl::StatusOr<ReverseAxes> ReverseAxesOf(const Node& node, int64_t rank) {
  STROP_ASSIGN_OR_RETURN(const int64_t batch,
                         AxisOf(node, node.attributes.Int("batch_axis", 1), rank));
  STROP_ASSIGN_OR_RETURN(const int64_t time,
                         AxisOf(node, node.attributes.Int("time_axis", 0), rank));
  if (batch == time) {
    return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node),
                                                   ": found batch_axis and time_axis both ", time,
                                                   ", expected two different axes"));
  }
  return ReverseAxes{static_cast<size_t>(batch), static_cast<size_t>(time)};
}

absl::Status ReverseShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const ReverseAxes axes, ReverseAxesOf(context.node(), context.rank(0)));
  if (context.input(1) != Shape{context.input(0)[axes.batch]}) {
    return context.Mismatch("sequence_lens of shape " + ShapeName(context.input(1)),
                            absl::StrCat("[", context.input(0)[axes.batch], "]"));
  }
  return SameShapeAsInput0(context);
}

// ---- Gradient rules

absl::Status TileGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.EmitStrop("TileGradient", {context.output_gradient(0), context.input(0)}));
  return absl::OkStatus();
}

// The op itself, applied to dY with the same second input: it is its own adjoint.
absl::Status SelfAdjointGradient(GradientContext& context) {
  std::vector<ValueId> inputs = {context.output_gradient(0)};
  if (context.input(1) != kNoValue) inputs.push_back(context.input(1));
  context.SetInputGradient(
      0, context.Emit(context.node().op_type, std::move(inputs), context.node().attributes));
  return absl::OkStatus();
}

// ---- Kernels

absl::StatusOr<std::unique_ptr<Kernel>> TileGeneric(const KernelRequest& request) {
  const Shape& x = request.inputs[0].shape;
  const Shape& y = request.outputs[0].shape;
  const Shape source_strides = DenseStrides(x);
  const Shape destination_strides = DenseStrides(y);
  StridedBox box;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    const int64_t repeats = x[axis] == 0 ? 0 : y[axis] / x[axis];
    box.shape.insert(box.shape.end(), {repeats, x[axis]});
    box.source_strides.insert(box.source_strides.end(), {0, source_strides[axis]});
    box.destination_strides.insert(
        box.destination_strides.end(),
        {x[axis] * destination_strides[axis], destination_strides[axis]});
  }
  return StridedCopyKernel(request, box);
}

absl::StatusOr<std::unique_ptr<Kernel>> TileGradientGeneric(const KernelRequest& request) {
  const Shape& dy = request.inputs[0].shape;
  const Shape& x = request.outputs[0].shape;
  Shape copies;
  std::vector<bool> is_reduced;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    copies.insert(copies.end(), {x[axis] == 0 ? 0 : dy[axis] / x[axis], x[axis]});
    is_reduced.insert(is_reduced.end(), {true, false});
  }
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = ReductionKernel<T, Total<T>>(Reduction(copies, is_reduced));
        return absl::OkStatus();
      }));
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> TriluGeneric(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.inputs[0].type));
  const int64_t rows = shape[shape.size() - 2];
  const int64_t columns = shape.back();
  const int64_t all_rows = columns == 0 ? 0 : ElementCount(shape) / columns;
  const bool upper = request.node.attributes.Int("upper", 1) != 0;
  return MakeKernel([rows, columns, all_rows, upper, size](const KernelArguments& arguments) {
    const auto* x = arguments.input<uint8_t>(0);
    auto* y = arguments.output<uint8_t>(0);
    const int64_t* diagonal = arguments.input<int64_t>(1);
    // Clamped to just outside the matrix, so that sums cannot overflow.
    const int64_t k = diagonal == nullptr ? 0 : std::clamp(*diagonal, -rows - 1, columns + 1);
    const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, columns));
    ParallelFor(all_rows, grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t diagonal_column = row % rows + k;
        const int64_t first = upper ? std::clamp<int64_t>(diagonal_column, 0, columns) : 0;
        const int64_t last = upper ? columns : std::clamp<int64_t>(diagonal_column + 1, 0, columns);
        const auto bytes = [&](int64_t count) { return static_cast<size_t>(count) * size; };
        const uint8_t* from = x + bytes(row * columns);
        uint8_t* to = y + bytes(row * columns);
        std::memset(to, 0, bytes(first));
        if (from != to) std::memcpy(to + bytes(first), from + bytes(first), bytes(last - first));
        std::memset(to + bytes(last), 0, bytes(columns - last));
      }
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ReverseGeneric(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const ReverseAxes axes,
                         ReverseAxesOf(request.node, request.inputs[0].rank()));
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.inputs[0].type));
  const size_t last_axis = std::max(axes.batch, axes.time);
  const int64_t inner = ElementCount(absl::MakeSpan(shape).subspan(last_axis + 1));
  const Shape strides = DenseStrides(shape);
  return MakeKernel([=, label = NodeLabel(request.node)](const KernelArguments& arguments) {
    const auto* x = arguments.input<uint8_t>(0);
    const int64_t* lengths = arguments.input<int64_t>(1);
    auto* y = arguments.output<uint8_t>(0);
    for (int64_t b = 0; b < shape[axes.batch]; ++b) {
      if (lengths[b] >= 0 && lengths[b] <= shape[axes.time]) continue;
      return absl::InvalidArgumentError(absl::StrCat(label, ": found sequence length ", lengths[b],
                                                     ", expected one in [0,", shape[axes.time],
                                                     "]"));
    }
    const int64_t blocks = inner == 0 ? 0 : ElementCount(shape) / inner;
    const size_t bytes = static_cast<size_t>(inner) * size;
    ParallelFor(blocks, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, inner)),
                [&](int64_t begin, int64_t end) {
                  for (int64_t block = begin; block < end; ++block) {
                    const int64_t offset = block * inner;
                    const int64_t t = offset / strides[axes.time] % shape[axes.time];
                    const int64_t length =
                        lengths[offset / strides[axes.batch] % shape[axes.batch]];
                    const int64_t moved = t < length ? length - 1 - 2 * t : 0;
                    const int64_t source = offset + moved * strides[axes.time];
                    std::memcpy(y + static_cast<size_t>(offset) * size,
                                x + static_cast<size_t>(source) * size, bytes);
                  }
                });
    return absl::OkStatus();
  });
}

}  // namespace

// ---- Definitions

const RegisteredFamily kTile = {"tile",
                                {
                                    {.name = "Tile",
                                     .since_version = 13,
                                     .minimum_inputs = 2,
                                     .maximum_inputs = 2,
                                     .shapes = TileShape,
                                     .differentiability = {Differentiability::kDifferentiable,
                                                           Differentiability::kNotDifferentiable},
                                     .gradient = TileGradient,
                                     .kernels = {TileGeneric},
                                     .element_move = ElementMove::kSelected},
                                    {.name = "TileGradient",
                                     .domain = kStropDomain,
                                     .minimum_inputs = 2,
                                     .maximum_inputs = 2,
                                     .shapes = TileGradientShape,
                                     .differentiability = {Differentiability::kNotImplemented,
                                                           Differentiability::kNotDifferentiable},
                                     .kernels = {TileGradientGeneric},
                                     .input_use = {InputUse::kElements, InputUse::kShapeOnly}},
                                    {.name = "Trilu",
                                     .since_version = 14,
                                     .maximum_inputs = 2,
                                     .shapes = TriluShape,
                                     .differentiability = {Differentiability::kDifferentiable,
                                                           Differentiability::kNotDifferentiable},
                                     .gradient = SelfAdjointGradient,
                                     .kernels = {TriluGeneric},
                                     .in_place = {{0, 0}}},
                                    {.name = "ReverseSequence",
                                     .since_version = 28,
                                     .minimum_inputs = 2,
                                     .maximum_inputs = 2,
                                     .shapes = ReverseShape,
                                     .differentiability = {Differentiability::kDifferentiable,
                                                           Differentiability::kNotDifferentiable},
                                     .gradient = SelfAdjointGradient,
                                     .kernels = {ReverseGeneric}},
                                }};

}  // namespace strop
