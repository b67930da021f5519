// Elements written by index into a copy of `data`, in the order of the updates.
//
//   ScatterND-18        y[indices[i…, :]…, b…] = updates[i…, b…]
//   ScatterElements-18  y[…, indices[…, j, …], …] = updates[…, j, …] along `axis`
//
//   reduction none      d(data) = dy, 0 at the indices (<Op>DataGradient)
//                       d(updates) = dy at the indices (GatherND, GatherElements)
//   reduction add       d(data) = dy, d(updates) = dy at the indices
//   mul, min, max       no gradient yet
//
// With reduction none the indices must be distinct, as the specification asks.

#include <algorithm>
#include <cstring>

#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/gather_scatter/element_lines.h"
#include "ops/gather_scatter/gather_rows.h"
#include "ops/gather_scatter/scatter_reduction.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Type rules

absl::Status ScatterNDShape(ShapeContext& context) {
  const Shape& data = context.input(0);
  const Shape& indices = context.input(1);
  const bool has_tuples = !indices.empty() && indices.back() <= static_cast<int64_t>(data.size());
  Shape expected;
  if (has_tuples) {
    expected.assign(indices.begin(), indices.end() - 1);
    expected.insert(expected.end(), data.begin() + indices.back(), data.end());
  }
  const bool has_updates = context.input_count() > 2;
  if (!has_tuples || (has_updates && context.input(2) != expected)) {
    return context.Mismatch(
        absl::StrCat("indices of shape ", ShapeName(indices),
                     has_updates ? " and updates of shape " + ShapeName(context.input(2)) : ""),
        "tuples and rows that fit " + ShapeName(data));
  }
  context.set_output(0, data);
  return absl::OkStatus();
}

absl::Status ScatterElementsShape(ShapeContext& context) {
  STROP_ASSIGN_OR_RETURN(const ElementLines lines,
                         ElementLines::Make(context.node(), context.input(0), context.input(1), 0));
  if (context.input_count() > 2 && context.input(2) != context.input(1)) {
    return context.Mismatch("updates of shape " + ShapeName(context.input(2)),
                            "the indices' shape " + ShapeName(context.input(1)));
  }
  context.set_output(0, context.input(0));
  return absl::OkStatus();
}

// ---- Gradient rules

// `gather` names the operator that picks dY at the indices.
absl::Status ScatterGradient(GradientContext& context, std::string_view gather) {
  const Node& node = context.node();
  STROP_ASSIGN_OR_RETURN(const ScatterReduction reduction, ScatterReductionOf(node));
  if (reduction != ScatterReduction::kNone && reduction != ScatterReduction::kAdd) {
    return absl::UnimplementedError(absl::StrCat(
        NodeLabel(node), ": found reduction \"", node.attributes.String("reduction", ""),
        "\", whose gradient is not implemented; expected \"none\" or \"add\""));
  }
  Attributes attributes = node.attributes;
  attributes.Remove("reduction");
  const ValueId dy = context.output_gradient(0);
  const ValueId indices = context.input(1);
  if (context.needs_gradient(0)) {
    context.SetInputGradient(
        0, reduction == ScatterReduction::kAdd
               ? dy
               : context.EmitStrop(node.op_type + "DataGradient", {dy, indices}, attributes));
  }
  if (context.needs_gradient(2)) {
    context.SetInputGradient(2, context.Emit(gather, {dy, indices}, attributes));
  }
  return absl::OkStatus();
}

absl::Status ScatterNDGradient(GradientContext& context) {
  return ScatterGradient(context, "GatherND");
}

absl::Status ScatterElementsGradient(GradientContext& context) {
  return ScatterGradient(context, "GatherElements");
}

// ---- Kernels

void CopyData(const KernelArguments& arguments, size_t bytes) {
  if (bytes == 0 || arguments.outputs[0] == arguments.inputs[0]) return;
  std::memcpy(arguments.outputs[0], arguments.inputs[0], bytes);
}

// Without updates, zeros are written.
template <typename T>
std::unique_ptr<Kernel> ScatterNDKernel(const KernelRequest& request, const RowMap& map,
                                        ScatterReduction reduction) {
  const size_t bytes = sizeof(T) * static_cast<size_t>(request.outputs[0].element_count());
  return MakeKernel(
      [map, reduction, bytes, label = NodeLabel(request.node), type = request.inputs[1].type,
       has_updates = request.has_input(2)](const KernelArguments& arguments) {
        auto* resolved = static_cast<int64_t*>(arguments.workspace);
        STROP_RETURN_IF_ERROR(map.Resolve(label, Indices(arguments.inputs[1], type), resolved));
        CopyData(arguments, bytes);
        const T* updates = arguments.input<T>(2);
        T* y = arguments.output<T>(0);
        map.ForEachPick(resolved, [&](int64_t row, int64_t pick) {
          T* to = y + row * map.inner;
          if (!has_updates) {
            std::fill_n(to, map.inner, T{});
            return;
          }
          const T* from = updates + pick * map.inner;
          for (int64_t i = 0; i < map.inner; ++i) to[i] = Scattered(reduction, to[i], from[i]);
        });
        return absl::OkStatus();
      },
      map.resolved_bytes());
}

absl::StatusOr<std::unique_ptr<Kernel>> ScatterNDGeneric(const KernelRequest& request) {
  STROP_RETURN_IF_ERROR(CheckIndexType(request.node, request.inputs[1].type));
  STROP_ASSIGN_OR_RETURN(const ScatterReduction reduction, ScatterReductionOf(request.node));
  const RowMap map = TupleMap(request.inputs[0].shape, request.inputs[1].shape, 0);
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = ScatterNDKernel<T>(request, map, reduction);
        return absl::OkStatus();
      }));
  return kernel;
}

template <typename T>
std::unique_ptr<Kernel> ScatterElementsKernel(const KernelRequest& request,
                                              const ElementLines& lines,
                                              ScatterReduction reduction) {
  const size_t bytes = sizeof(T) * static_cast<size_t>(request.outputs[0].element_count());
  return MakeKernel([lines, reduction, bytes, label = NodeLabel(request.node),
                     type = request.inputs[1].type,
                     has_updates = request.has_input(2)](const KernelArguments& arguments) {
    const Indices indices(arguments.inputs[1], type);
    STROP_RETURN_IF_ERROR(CheckIndices(label, indices, lines.index_count(), lines.extent));
    CopyData(arguments, bytes);
    const T* updates = arguments.input<T>(2);
    T* y = arguments.output<T>(0);
    lines.ForEach(indices, [&](int64_t position, int64_t element) {
      y[element] = has_updates ? Scattered(reduction, y[element], updates[position]) : T{};
    });
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ScatterElementsGeneric(const KernelRequest& request) {
  STROP_RETURN_IF_ERROR(CheckIndexType(request.node, request.inputs[1].type));
  STROP_ASSIGN_OR_RETURN(const ScatterReduction reduction, ScatterReductionOf(request.node));
  STROP_ASSIGN_OR_RETURN(
      const ElementLines lines,
      ElementLines::Make(request.node, request.inputs[0].shape, request.inputs[1].shape, 0));
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitNumeric(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = ScatterElementsKernel<T>(request, lines, reduction);
        return absl::OkStatus();
      }));
  return kernel;
}

// ---- Definitions

OpDefinition Scatter(std::string_view name, absl::Status (*shapes)(ShapeContext&),
                     absl::Status (*gradient)(GradientContext&), KernelFactory generic) {
  return {.name = name,
          .since_version = 18,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .check_attributes = CheckScatterReduction,
          .shapes = shapes,
          .differentiability = {Differentiability::kDifferentiable,
                                Differentiability::kNotDifferentiable,
                                Differentiability::kDifferentiable},
          .gradient = gradient,
          .kernels = {generic},
          .in_place = {{0, 0}}};
}

OpDefinition ScatterDataGradient(std::string_view name, absl::Status (*shapes)(ShapeContext&),
                                 KernelFactory generic) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .shapes = shapes,
          .differentiability = {Differentiability::kNotImplemented,
                                Differentiability::kNotDifferentiable},
          .kernels = {generic},
          .in_place = {{0, 0}}};
}

}  // namespace

const RegisteredFamily kScatter = {
    "scatter",
    {
        Scatter("ScatterND", ScatterNDShape, ScatterNDGradient, ScatterNDGeneric),
        ScatterDataGradient("ScatterNDDataGradient", ScatterNDShape, ScatterNDGeneric),
        Scatter("ScatterElements", ScatterElementsShape, ScatterElementsGradient,
                ScatterElementsGeneric),
        ScatterDataGradient("ScatterElementsDataGradient", ScatterElementsShape,
                            ScatterElementsGeneric),
    }};

}  // namespace strop
