// Slices with steps.
//
//   Slice-13   y[i] = x[start + i·step] along each of `axes` (default: the first ones); starts and
//              ends count from the back when negative and are clamped, a start that lies before
//              the axis to its first element, whatever the step's sign (unlike NumPy's)
//              dx = SliceGradient(dy, x, starts, ends, axes, steps)
//
//   SliceGradient(dY, X:shape-only, starts, ends, axes, steps)   dY put back into zeros
//              d(dY) = Slice(dX, starts, ends, axes, steps)

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// One axis of a slice: x[start + i·step], 0 ≤ i < count.
struct AxisSlice {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

AxisSlice ClampedSlice(int64_t start, int64_t end, int64_t step, int64_t extent) {
  if (extent == 0) return {};
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  AxisSlice slice;
  if (step > 0) {
    slice.start = std::clamp<int64_t>(start, 0, extent);
    end = std::clamp<int64_t>(end, 0, extent);
    if (end > slice.start) slice.count = (end - slice.start - 1) / step + 1;
  } else {
    slice.start = std::clamp<int64_t>(start, 0, extent - 1);
    end = std::clamp<int64_t>(end, -1, extent - 1);
    const int64_t stride = -std::max(step, -std::numeric_limits<int64_t>::max());
    if (slice.start > end) slice.count = (slice.start - end - 1) / stride + 1;
  }
  // A step beyond the axis is never taken; kept small so that offsets cannot overflow.
  slice.step = slice.count > 1 ? step : 1;
  return slice;
}

// The integer inputs of Slice; of SliceGradient they stand one place further.
struct SliceInputs {
  std::vector<int64_t> starts, ends, axes, steps;
  bool has_axes = false;
  bool has_steps = false;
};

absl::StatusOr<std::vector<AxisSlice>> AxisSlices(const Node& node, const Shape& shape,
                                                  SliceInputs inputs) {
  const size_t count = inputs.starts.size();
  if (!inputs.has_axes) {
    for (size_t i = 0; i < count; ++i) inputs.axes.push_back(static_cast<int64_t>(i));
  }
  if (!inputs.has_steps) inputs.steps.assign(count, 1);
  if (inputs.ends.size() != count || inputs.axes.size() != count || inputs.steps.size() != count) {
    return absl::InvalidArgumentError(absl::StrCat(
        NodeLabel(node), ": found ", count, " starts, ", inputs.ends.size(), " ends, ",
        inputs.axes.size(), " axes, ", inputs.steps.size(), " steps, expected equal counts"));
  }
  const auto rank = static_cast<int64_t>(shape.size());
  STROP_RETURN_IF_ERROR(AxesOf(node, inputs.axes, rank).status());
  std::vector<AxisSlice> slices;
  for (const int64_t extent : shape) slices.push_back({0, 1, extent});
  for (size_t i = 0; i < count; ++i) {
    if (inputs.steps[i] == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(NodeLabel(node), ": found a step of 0, expected another number"));
    }
    STROP_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(node, inputs.axes[i], rank));
    const auto at = static_cast<size_t>(axis);
    slices[at] = ClampedSlice(inputs.starts[i], inputs.ends[i], inputs.steps[i], shape[at]);
  }
  return slices;
}

// Reads the inputs from `first` on, of a ShapeContext or (through `read`) of a KernelRequest.
template <typename Source, typename Read>
absl::StatusOr<SliceInputs> ReadInputs(const Source& source, size_t first, const Read& read) {
  SliceInputs inputs;
  STROP_ASSIGN_OR_RETURN(inputs.starts, read(first));
  STROP_ASSIGN_OR_RETURN(inputs.ends, read(first + 1));
  STROP_ASSIGN_OR_RETURN(inputs.axes, read(first + 2));
  STROP_ASSIGN_OR_RETURN(inputs.steps, read(first + 3));
  inputs.has_axes = source.has_input(first + 2);
  inputs.has_steps = source.has_input(first + 3);
  return inputs;
}

absl::StatusOr<std::vector<AxisSlice>> SlicesOf(const ShapeContext& context, size_t first,
                                                const Shape& shape) {
  STROP_ASSIGN_OR_RETURN(SliceInputs inputs, ReadInputs(context, first, [&](size_t index) {
                           return context.ConstantIntegers(index);
                         }));
  return AxisSlices(context.node(), shape, std::move(inputs));
}

absl::StatusOr<std::vector<AxisSlice>> SlicesOf(const KernelRequest& request, size_t first,
                                                const Shape& shape) {
  STROP_ASSIGN_OR_RETURN(SliceInputs inputs, ReadInputs(request, first, [&](size_t index) {
                           return ConstantIntegers(request, index);
                         }));
  return AxisSlices(request.node, shape, std::move(inputs));
}

// ---- Type rules

absl::Status SliceShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const std::vector<AxisSlice> slices,
                         SlicesOf(context, 1, context.input(0)));
  Shape shape;
  for (const AxisSlice& slice : slices) shape.push_back(slice.count);
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status SliceGradientShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(SlicesOf(context, 2, context.input(1)).status());
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rules

absl::Status SliceGradient(GradientContext& context) {
  std::vector<ValueId> inputs = {context.output_gradient(0)};
  for (size_t i = 0; i < context.node().inputs.size(); ++i) inputs.push_back(context.input(i));
  context.SetInputGradient(0, context.EmitStrop("SliceGradient", std::move(inputs)));
  return absl::OkStatus();
}

absl::Status SliceGradientGradient(GradientContext& context) {
  std::vector<ValueId> inputs = {context.output_gradient(0)};
  for (size_t i = 2; i < context.node().inputs.size(); ++i) inputs.push_back(context.input(i));
  context.SetInputGradient(0, context.Emit("Slice", std::move(inputs)));
  return absl::OkStatus();
}

// ---- Kernels

// Copies the slice of a tensor of shape `whole` into a dense one.
StridedBox SliceBox(const Shape& whole, const std::vector<AxisSlice>& slices) {
  const Shape strides = DenseStrides(whole);
  StridedBox box;
  for (size_t axis = 0; axis < whole.size(); ++axis) {
    box.shape.push_back(slices[axis].count);
    box.source_strides.push_back(strides[axis] * slices[axis].step);
    box.source_offset += strides[axis] * slices[axis].start;
  }
  box.destination_strides = DenseStrides(box.shape);
  return box;
}

absl::StatusOr<std::unique_ptr<Kernel>> SliceGeneric(const KernelRequest& request) {
  const Shape& whole = request.inputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const std::vector<AxisSlice> slices, SlicesOf(request, 1, whole));
  return StridedCopyKernel(request, SliceBox(whole, slices));
}

absl::StatusOr<std::unique_ptr<Kernel>> SliceGradientGeneric(const KernelRequest& request) {
  const Shape& whole = request.outputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const std::vector<AxisSlice> slices, SlicesOf(request, 2, whole));
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.outputs[0].type));
  StridedBox box = SliceBox(whole, slices);
  std::swap(box.source_strides, box.destination_strides);
  std::swap(box.source_offset, box.destination_offset);
  const bool covers = ElementCount(box.shape) == ElementCount(whole);
  const size_t bytes = size * static_cast<size_t>(ElementCount(whole));
  return MakeKernel([box = Simplify(box), size, bytes, covers](const KernelArguments& arguments) {
    if (!covers) FillZero(arguments.outputs[0], bytes);
    CopyStrided(box, size, arguments.inputs[0], arguments.outputs[0]);
    return absl::OkStatus();
  });
}

}  // namespace

// ---- Definitions

const RegisteredFamily kSlice = {
    "slice",
    {
        {.name = "Slice",
         .since_version = 13,
         .minimum_inputs = 3,
         .maximum_inputs = 5,
         .shapes = SliceShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = SliceGradient,
         .kernels = {SliceGeneric},
         .element_move = ElementMove::kSelected},
        {.name = "SliceGradient",
         .domain = kStropDomain,
         .minimum_inputs = 4,
         .maximum_inputs = 6,
         .shapes = SliceGradientShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = SliceGradientGradient,
         .kernels = {SliceGradientGeneric},
         .input_use = {InputUse::kElements, InputUse::kShapeOnly, InputUse::kElements}},
    }};

}  // namespace strop
