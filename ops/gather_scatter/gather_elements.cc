// Elements picked by index along one axis. X below is shape-only.
//
//   GatherElements-13  y[…, j, …] = x[…, indices[…, j, …], …]
//                      dx = GatherElementsGradient(dy, x, indices)
//
// GatherElementsGradient adds every dy to the element it was picked from, in order along the axis.

#include <type_traits>

#include "graph/visit_type.h"
#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/gather_scatter/element_lines.h"
#include "ops/kernels/strided_copy.h"

namespace strop {

absl::StatusOr<ElementLines> ElementLines::Make(const Node& node, const Shape& data,
                                                const Shape& indices, int64_t default_axis) {
  const auto rank = static_cast<int64_t>(data.size());
  STROP_ASSIGN_OR_RETURN(const int64_t counted,
                         AxisOf(node, node.attributes.Int("axis", default_axis), rank));
  const auto axis = static_cast<size_t>(counted);
  bool fits = indices.size() == data.size();
  for (size_t i = 0; fits && i < data.size(); ++i) fits = i == axis || indices[i] <= data[i];
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat(NodeLabel(node), ": found indices of shape ", ShapeName(indices),
                     ", expected one that fits into ", ShapeName(data), " but for axis ", counted));
  }
  const Shape all_index_strides = DenseStrides(indices);
  const Shape all_data_strides = DenseStrides(data);
  ElementLines lines;
  lines.extent = data[axis];
  lines.length = indices[axis];
  lines.index_step = all_index_strides[axis];
  lines.data_step = all_data_strides[axis];
  for (size_t i = 0; i < data.size(); ++i) {
    if (i == axis) continue;
    lines.index_shape.push_back(indices[i]);
    lines.index_strides.push_back(all_index_strides[i]);
    lines.data_strides.push_back(all_data_strides[i]);
  }
  return lines;
}

namespace {

// ---- Type rules

absl::Status GatherElementsShape(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(
      ElementLines::Make(context.node(), context.input(0), context.input(1), 0).status());
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

absl::Status ShapeOfX(ShapeContext& context) {
  STROP_RETURN_IF_ERROR(
      ElementLines::Make(context.node(), context.input(1), context.input(2), 0).status());
  if (context.input(0) != context.input(2)) {
    return context.Mismatch(ShapeName(context.input(0)),
                            "the indices' shape " + ShapeName(context.input(2)));
  }
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status GatherElementsGradient(GradientContext& context) {
  context.SetInputGradient(
      0, context.EmitStrop("GatherElementsGradient",
                           {context.output_gradient(0), context.input(0), context.input(1)},
                           context.node().attributes));
  return absl::OkStatus();
}

// ---- Kernels

template <typename T>
std::unique_ptr<Kernel> GatherElementsKernel(const KernelRequest& request,
                                             const ElementLines& lines) {
  return MakeKernel([lines, label = NodeLabel(request.node),
                     type = request.inputs[1].type](const KernelArguments& arguments) {
    const Indices indices(arguments.inputs[1], type);
    STROP_RETURN_IF_ERROR(CheckIndices(label, indices, lines.index_count(), lines.extent));
    const T* x = arguments.input<T>(0);
    T* y = arguments.output<T>(0);
    lines.ForEach(indices, [&](int64_t position, int64_t element) { y[position] = x[element]; });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> GatherElementsGeneric(const KernelRequest& request) {
  STROP_RETURN_IF_ERROR(CheckIndexType(request.node, request.inputs[1].type));
  STROP_ASSIGN_OR_RETURN(
      const ElementLines lines,
      ElementLines::Make(request.node, request.inputs[0].shape, request.inputs[1].shape, 0));
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.inputs[0].type));
  struct Bytes16 {
    uint64_t halves[2];
  };
  switch (size) {
    case 1:
      return GatherElementsKernel<uint8_t>(request, lines);
    case 2:
      return GatherElementsKernel<uint16_t>(request, lines);
    case 4:
      return GatherElementsKernel<uint32_t>(request, lines);
    case 8:
      return GatherElementsKernel<uint64_t>(request, lines);
    default:
      return GatherElementsKernel<Bytes16>(request, lines);
  }
}

// Sums of half types are kept in float, in the workspace.
template <typename T>
std::unique_ptr<Kernel> GatherElementsGradientKernel(const KernelRequest& request,
                                                     const ElementLines& lines) {
  using Compute = ComputeType<T>;
  constexpr bool kIsDirect = std::is_same_v<T, Compute>;
  const int64_t count = request.outputs[0].element_count();
  const size_t sum_bytes = static_cast<size_t>(count) * sizeof(Compute);
  return MakeKernel(
      [lines, count, sum_bytes, label = NodeLabel(request.node),
       type = request.inputs[2].type](const KernelArguments& arguments) {
        const Indices indices(arguments.inputs[2], type);
        STROP_RETURN_IF_ERROR(CheckIndices(label, indices, lines.index_count(), lines.extent));
        const T* dy = arguments.input<T>(0);
        T* dx = arguments.output<T>(0);
        auto* sums =
            static_cast<Compute*>(kIsDirect ? static_cast<void*>(dx) : arguments.workspace);
        FillZero(sums, sum_bytes);
        lines.ForEach(indices, [&](int64_t position, int64_t element) {
          sums[element] += static_cast<Compute>(dy[position]);
        });
        if constexpr (!kIsDirect) {
          for (int64_t i = 0; i < count; ++i) dx[i] = static_cast<T>(sums[i]);
        }
        return absl::OkStatus();
      },
      kIsDirect ? 0 : sum_bytes);
}

absl::StatusOr<std::unique_ptr<Kernel>> GatherElementsGradientGeneric(
    const KernelRequest& request) {
  STROP_RETURN_IF_ERROR(CheckIndexType(request.node, request.inputs[2].type));
  STROP_ASSIGN_OR_RETURN(
      const ElementLines lines,
      ElementLines::Make(request.node, request.inputs[1].shape, request.inputs[2].shape, 0));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = GatherElementsGradientKernel<T>(request, lines);
        return absl::OkStatus();
      }));
  return kernel;
}

}  // namespace

// ---- Definitions

const RegisteredFamily kGatherElements = {
    "gather_elements",
    {
        {.name = "GatherElements",
         .since_version = 13,
         .minimum_inputs = 2,
         .maximum_inputs = 2,
         .shapes = GatherElementsShape,
         .differentiability = {Differentiability::kDifferentiable,
                               Differentiability::kNotDifferentiable},
         .gradient = GatherElementsGradient,
         .kernels = {GatherElementsGeneric}},
        {.name = "GatherElementsGradient",
         .domain = kStropDomain,
         .minimum_inputs = 3,
         .maximum_inputs = 3,
         .shapes = ShapeOfX,
         .differentiability = {Differentiability::kNotImplemented,
                               Differentiability::kNotDifferentiable},
         .kernels = {GatherElementsGradientGeneric},
         .input_use = {InputUse::kElements, InputUse::kShapeOnly, InputUse::kElements}},
    }};

}  // namespace strop
