// Rows picked by index. Indices may count from the back; one out of range is an error at the step
// that brings it. X below is shape-only.
//
//   Gather-13    y[a…, i…, b…] = x[a…, indices[i…], b…]
//                dx = GatherGradient(dy, x, indices)
//   GatherND-13  y[a…, i…, b…] = x[a…, indices[a…, i…, :]…, b…],  a…: the first batch_dims axes
//                dx = GatherNDGradient(dy, x, indices)
//
// Both gradients add every dy to the row it was picked from, row by row in the order of the picks.

#include <algorithm>
#include <cstring>

#include "ops/core/axes.h"
#include "ops/core/family.h"
#include "ops/gather_scatter/gather_rows.h"
#include "ops/kernels/strided_copy.h"

namespace strop {
namespace {

// ---- Attributes

absl::StatusOr<size_t> GatherAxis(const Node& node, int64_t rank) {
  STROP_ASSIGN_OR_RETURN(const int64_t axis, AxisOf(node, node.attributes.Int("axis", 0), rank));
  return static_cast<size_t>(axis);
}

size_t BatchDimensions(const Node& node) {
  return static_cast<size_t>(node.attributes.Int("batch_dims", 0));
}

absl::Status CheckBatchDimensions(const Node& node) {
  const int64_t count = node.attributes.Int("batch_dims", 0);
  if (count >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(NodeLabel(node), ": found batch_dims ", count, ", expected a number ≥ 0"));
}

// ---- Type rules

absl::Status GatherShape(ShapeContext& context) {
  const Shape& data = context.input(0);
  const Shape& indices = context.input(1);
  STROP_ASSIGN_OR_RETURN(const size_t axis, GatherAxis(context.node(), context.rank(0)));
  Shape shape(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), indices.begin(), indices.end());
  shape.insert(shape.end(), data.begin() + static_cast<std::ptrdiff_t>(axis) + 1, data.end());
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status GatherNDShape(ShapeContext& context) {
  const Shape& data = context.input(0);
  const Shape& indices = context.input(1);
  const size_t batch = BatchDimensions(context.node());
  const bool has_tuples =
      indices.size() > batch && data.size() >= batch && indices.back() >= 0 &&
      indices.back() <= static_cast<int64_t>(data.size() - batch) &&
      std::equal(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(batch), indices.begin());
  if (!has_tuples) {
    return context.Mismatch("indices of shape " + ShapeName(indices),
                            absl::StrCat("the first ", batch, " axes of ", ShapeName(data),
                                         " and tuples no longer than the rest of them"));
  }
  const auto rest = static_cast<std::ptrdiff_t>(batch) + indices.back();
  Shape shape(indices.begin(), indices.end() - 1);
  shape.insert(shape.end(), data.begin() + rest, data.end());
  context.set_output(0, std::move(shape));
  return absl::OkStatus();
}

absl::Status ShapeOfX(ShapeContext& context) {
  context.set_output(0, context.input(1));
  return absl::OkStatus();
}

// ---- Gradient rule

// dX = <Op>Gradient(dY, X, indices), with the node's own attributes.
absl::Status GatherGradientRule(GradientContext& context) {
  const Node& node = context.node();
  context.SetInputGradient(
      0, context.EmitStrop(node.op_type + "Gradient",
                           {context.output_gradient(0), context.input(0), context.input(1)},
                           node.attributes));
  return absl::OkStatus();
}

// ---- Kernels

absl::StatusOr<std::unique_ptr<Kernel>> CopyRowsKernel(const KernelRequest& request,
                                                       const RowMap& map) {
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.inputs[0].type));
  STROP_RETURN_IF_ERROR(CheckIndexType(request.node, request.inputs[1].type));
  return MakeKernel(
      [map, size, label = NodeLabel(request.node),
       type = request.inputs[1].type](const KernelArguments& arguments) {
        auto* resolved = static_cast<int64_t*>(arguments.workspace);
        STROP_RETURN_IF_ERROR(map.Resolve(label, Indices(arguments.inputs[1], type), resolved));
        const auto* x = arguments.input<uint8_t>(0);
        auto* y = arguments.output<uint8_t>(0);
        const size_t bytes = static_cast<size_t>(map.inner) * size;
        if (bytes == 0) return absl::OkStatus();
        const int64_t grain = std::max<int64_t>(1, 16384 / map.inner);
        ParallelFor(map.outer * map.picks, grain, [&](int64_t begin, int64_t end) {
          for (int64_t pick = begin; pick < end; ++pick) {
            const int64_t row = map.RowOf(resolved, pick / map.picks, pick % map.picks);
            std::memcpy(y + static_cast<size_t>(pick) * bytes, x + static_cast<size_t>(row) * bytes,
                        bytes);
          }
        });
        return absl::OkStatus();
      },
      map.resolved_bytes());
}

absl::StatusOr<std::unique_ptr<Kernel>> GatherGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const size_t axis, GatherAxis(request.node, request.inputs[0].rank()));
  return CopyRowsKernel(request, GatherMap(request.inputs[0].shape, request.inputs[1].shape, axis));
}

absl::StatusOr<std::unique_ptr<Kernel>> GatherGradientGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const size_t axis, GatherAxis(request.node, request.inputs[1].rank()));
  STROP_RETURN_IF_ERROR(CheckIndexType(request.node, request.inputs[2].type));
  return AddRowsKernel(request, GatherMap(request.inputs[1].shape, request.inputs[2].shape, axis));
}

absl::StatusOr<std::unique_ptr<Kernel>> GatherNDGeneric(const KernelRequest& request) {
  return CopyRowsKernel(request, TupleMap(request.inputs[0].shape, request.inputs[1].shape,
                                          BatchDimensions(request.node)));
}

absl::StatusOr<std::unique_ptr<Kernel>> GatherNDGradientGeneric(const KernelRequest& request) {
  STROP_RETURN_IF_ERROR(CheckIndexType(request.node, request.inputs[2].type));
  return AddRowsKernel(request, TupleMap(request.inputs[1].shape, request.inputs[2].shape,
                                         BatchDimensions(request.node)));
}

// ---- Definitions

OpDefinition PickRows(std::string_view name, absl::Status (*shapes)(ShapeContext&),
                      KernelFactory generic) {
  return {.name = name,
          .since_version = 13,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .check_attributes = CheckBatchDimensions,
          .shapes = shapes,
          .differentiability = {Differentiability::kDifferentiable,
                                Differentiability::kNotDifferentiable},
          .gradient = GatherGradientRule,
          .kernels = {generic}};
}

// Rows of the table that the indices number.
int64_t GatheredRows(const Graph& graph, const Node& node, size_t input) {
  const std::optional<Shape>& table = graph.type(node.inputs[0]).shape;
  if (input != 1 || !table) return 0;
  const auto rank = static_cast<int64_t>(table->size());
  const absl::StatusOr<int64_t> axis = NormalizeAxis(node.attributes.Int("axis", 0), rank);
  return axis.ok() ? std::max<int64_t>((*table)[static_cast<size_t>(*axis)], 0) : 0;
}

OpDefinition Gather() {
  OpDefinition definition = PickRows("Gather", GatherShape, GatherGeneric);
  definition.roles = {{0, "table"}};
  definition.index_range = GatheredRows;
  return definition;
}

OpDefinition PickRowsGradient(std::string_view name, KernelFactory generic) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .shapes = ShapeOfX,
          .differentiability = {Differentiability::kNotImplemented,
                                Differentiability::kNotDifferentiable},
          .kernels = {generic},
          .input_use = {InputUse::kElements, InputUse::kShapeOnly, InputUse::kElements}};
}

}  // namespace

const RegisteredFamily kGather = {"gather",
                                  {
                                      Gather(),
                                      PickRowsGradient("GatherGradient", GatherGradientGeneric),
                                      PickRows("GatherND", GatherNDShape, GatherNDGeneric),
                                      PickRowsGradient("GatherNDGradient", GatherNDGradientGeneric),
                                  }};

}  // namespace strop
