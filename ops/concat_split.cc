// Joining and cutting along one axis. X below is shape-only.
//
//   Concat-13   y = x_0 ‖ x_1 ‖ …                 dx_i = ConcatInputGradient(dy, x_0, …, x_i)
//   Split-18    y_0 ‖ y_1 ‖ … = x                 dx = SplitGradient(x, split, dy_0, dy_1, …)
//
//   ConcatInputGradient(dY, X_0, …, X_i)          the slice of dY that holds the last of them
//   SplitGradient(X, split, dY_0, …)              the dY joined, zeros for those that are absent

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Attributes

absl::StatusOr<size_t> AxisAttribute(const Node& node, int64_t rank) {
  STROP_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(node, node.attributes.Int("axis", 0), rank));
  return static_cast<size_t>(axis);
}

// Extents of Split's outputs: `split` if given, else equal chunks, the last one smaller.
absl::StatusOr<std::vector<int64_t>> SplitSizes(const Node& node, int64_t extent,
                                                std::vector<int64_t> split, size_t count) {
  if (split.empty()) {
    const auto outputs = static_cast<int64_t>(count);
    const int64_t chunk = (extent + outputs - 1) / outputs;
    for (int64_t i = 0; i < outputs; ++i) {
      split.push_back(std::clamp<int64_t>(extent - i * chunk, 0, chunk));
    }
  }
  int64_t total = 0;
  bool valid = split.size() == count;
  for (const int64_t size : split) {
    valid = valid && size >= 0 && size <= extent - total;
    if (!valid) break;
    total += size;
  }
  if (!valid || total != extent) {
    return absl::InvalidArgumentError(
        absl::StrCat(NodeLabel(node), ": found split ", ShapeName(split), " for ", count,
                     " outputs, expected as many sizes, which add up to ", extent));
  }
  return split;
}

absl::Status CheckSplitAttributes(const Node& node) {
  const auto outputs = static_cast<int64_t>(node.outputs.size());
  const int64_t wanted = node.attributes.Int("num_outputs", outputs);
  if (wanted == outputs) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found num_outputs ", wanted,
                                                 ", expected the node's ", outputs, " outputs"));
}

// ---- Type rules

absl::Status ConcatShape(ShapeContext& context) {
  Shape shape = context.input(0);
  STROP_ASSIGN_OR_RETURN(const size_t axis, AxisAttribute(context.node(), context.rank(0)));
  for (size_t i = 1; i < context.input_count(); ++i) {
    if (!context.has_input(i)) return context.Mismatch("an absent input", "tensors to join");
    const Shape& other = context.input(i);
    Shape expected = shape;
    if (other.size() == shape.size()) expected[axis] = other[axis];
    if (other != expected) {
      return context.Mismatch(absl::StrCat("input ", i, " of shape ", ShapeName(other)),
                              absl::StrCat(ShapeName(context.input(0)), " but for axis ", axis));
    }
    shape[axis] += other[axis];
  }
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status ConcatInputGradientShape(ShapeContext& context) {
  context.set_output(0, context.input(context.input_count() - 1));
  return absl::OkStatus();
}

absl::Status SplitShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const size_t axis, AxisAttribute(context.node(), context.rank(0)));
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> split, context.ConstantIntegers(1));
  Shape shape = context.input(0);
  STROP_ASSIGN_OR_RETURN(
      split, SplitSizes(context.node(), shape[axis], std::move(split), context.output_count()));
  for (size_t i = 0; i < split.size(); ++i) {
    shape[axis] = split[i];
    context.set_output(i, shape);
  }
  return absl::OkStatus();
}

absl::Status SplitGradientShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(context.ConstantIntegers(1).status());
  return SameShapeAsInput0(context);
}

// ---- Gradient rules

absl::Status ConcatGradient(GradientContext& context) {
  const Node& node = context.node();
  std::vector<ValueId> inputs = {context.output_gradient(0)};
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    inputs.push_back(context.input(i));
    if (!context.needs_gradient(i)) continue;
    context.SetInputGradient(i, context.EmitStrop("ConcatInputGradient", inputs, node.attributes));
  }
  return absl::OkStatus();
}

absl::Status SplitGradient(GradientContext& context) {
  const Node& node = context.node();
  std::vector<ValueId> inputs = {context.input(0), context.input(1)};
  for (size_t i = 0; i < node.outputs.size(); ++i) inputs.push_back(context.output_gradient(i));
  context.SetInputGradient(0, context.EmitStrop("SplitGradient", std::move(inputs),
                                                {{"axis", node.attributes.Int("axis", 0)}}));
  return absl::OkStatus();
}

// ---- Kernels

// `part` of the extents of `whole`, from `start` on along `axis`; both dense.
struct PartBox {
  StridedBox box;  // part to whole
  StridedBox reverse;

  PartBox(const Shape& part, const Shape& whole, size_t axis, int64_t start) {
    box.shape = part;
    box.source_strides = DenseStrides(part);
    box.destination_strides = DenseStrides(whole);
    box.destination_offset = start * box.destination_strides[axis];
    reverse = box;
    std::swap(reverse.source_strides, reverse.destination_strides);
    std::swap(reverse.source_offset, reverse.destination_offset);
    box = Simplify(box);
    reverse = Simplify(reverse);
  }
};

absl::StatusOr<std::unique_ptr<Kernel>> ConcatGeneric(const KernelRequest& request) {
  const Shape& whole = request.outputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const size_t axis, AxisAttribute(request.node, request.outputs[0].rank()));
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.outputs[0].type));
  std::vector<StridedBox> boxes;
  int64_t start = 0;
  for (const TensorDescription& input : request.inputs) {
    boxes.push_back(PartBox(input.shape, whole, axis, start).box);
    start += input.shape[axis];
  }
  return MakeKernel([boxes = std::move(boxes), size](const KernelArguments& arguments) {
    for (size_t i = 0; i < boxes.size(); ++i) {
      CopyStrided(boxes[i], size, arguments.inputs[i], arguments.outputs[0]);
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ConcatInputGradientGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const size_t axis, AxisAttribute(request.node, request.outputs[0].rank()));
  int64_t start = 0;
  for (size_t i = 1; i + 1 < request.inputs.size(); ++i) start += request.inputs[i].shape[axis];
  const PartBox part(request.outputs[0].shape, request.inputs[0].shape, axis, start);
  return StridedCopyKernel(request, part.reverse);
}

absl::StatusOr<std::unique_ptr<Kernel>> SplitGeneric(const KernelRequest& request) {
  const Shape& whole = request.inputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const size_t axis, AxisAttribute(request.node, request.inputs[0].rank()));
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.inputs[0].type));
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> split, ConstantIntegers(request, 1));
  STROP_ASSIGN_OR_RETURN(
      split, SplitSizes(request.node, whole[axis], std::move(split), request.outputs.size()));
  std::vector<StridedBox> boxes;
  int64_t start = 0;
  for (const int64_t extent : split) {
    Shape part = whole;
    part[axis] = extent;
    boxes.push_back(PartBox(part, whole, axis, start).reverse);
    start += extent;
  }
  return MakeKernel([boxes = std::move(boxes), size](const KernelArguments& arguments) {
    for (size_t i = 0; i < boxes.size(); ++i) {
      if (arguments.outputs[i] == nullptr) continue;
      CopyStrided(boxes[i], size, arguments.inputs[0], arguments.outputs[i]);
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> SplitGradientGeneric(const KernelRequest& request) {
  const Shape& whole = request.outputs[0].shape;
  STROP_ASSIGN_OR_RETURN(const size_t axis, AxisAttribute(request.node, request.outputs[0].rank()));
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.outputs[0].type));
  STROP_ASSIGN_OR_RETURN(std::vector<int64_t> split, ConstantIntegers(request, 1));
  constexpr size_t kFirst = 2;  // input of dY_0
  STROP_ASSIGN_OR_RETURN(split, SplitSizes(request.node, whole[axis], std::move(split),
                                           request.inputs.size() - kFirst));
  std::vector<StridedBox> boxes;
  int64_t start = 0;
  for (size_t i = 0; i < split.size(); ++i) {
    Shape part = whole;
    part[axis] = split[i];
    boxes.push_back(PartBox(part, whole, axis, start).box);
    // Where nothing flows back, zeros are repeated from a single element.
    if (!request.has_input(kFirst + i)) {
      boxes.back().source_strides.assign(boxes.back().shape.size(), 0);
    }
    start += split[i];
  }
  return MakeKernel([boxes = std::move(boxes), size](const KernelArguments& arguments) {
    static constexpr uint64_t kZero[2] = {0, 0};
    for (size_t i = 0; i < boxes.size(); ++i) {
      const void* source = arguments.inputs[kFirst + i];
      CopyStrided(boxes[i], size, source == nullptr ? kZero : source, arguments.outputs[0]);
    }
    return absl::OkStatus();
  });
}

}  // namespace

// ---- Definitions

const RegisteredFamily kConcatSplit = {
    "concat_split",
    {
        {.name = "Concat",
         .since_version = 13,
         .maximum_inputs = kVariadic,
         .shapes = ConcatShape,
         .differentiability = {Differentiability::kDifferentiable},
         .gradient = ConcatGradient,
         .kernels = {ConcatGeneric},
         .combination = Combination::kConcatenation},
        {.name = "ConcatInputGradient",
         .domain = kStropDomain,
         .minimum_inputs = 2,
         .maximum_inputs = kVariadic,
         .shapes = ConcatInputGradientShape,
         .differentiability = {Differentiability::kNotImplemented,
                               Differentiability::kNotDifferentiable},
         .kernels = {ConcatInputGradientGeneric},
         .input_use = {InputUse::kElements, InputUse::kShapeOnly}},
        {.name = "Split",
         .since_version = 18,
         .maximum_inputs = 2,
         .maximum_outputs = kVariadic,
         .check_attributes = CheckSplitAttributes,
         .shapes = SplitShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = SplitGradient,
         .kernels = {SplitGeneric}},
        {.name = "SplitGradient",
         .domain = kStropDomain,
         .maximum_inputs = kVariadic,
         .shapes = SplitGradientShape,
         .differentiability = {Differentiability::kNotDifferentiable,
                               Differentiability::kNotDifferentiable,
                               Differentiability::kNotImplemented},
         .kernels = {SplitGradientGeneric},
         .input_use = {InputUse::kShapeOnly, InputUse::kElements}},
    }};

}  // namespace strop
