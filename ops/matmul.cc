// The matrix product of NumPy: MatMul-13.
//
//   Y[…,M,N] = A[…,M,K]·B[…,K,N]     leading axes broadcast; a vector A is a row, a vector B a
//                                    column, and the axis of size 1 is dropped from Y
//   dA = dY·Bᵀ,  dB = Aᵀ·dY          summed over the leading axes along which A, or B, is broadcast
//
//   MatMulTransposed (strop)   Y[…,M,N] = A[…,M,K]·Bᵀ, B[N,K] a matrix as linear layers store it
//   dA = dY·B,  dB = dYᵀ·A
//
// dB of a matrix B behind a batch of A is one product whose depth is batch and row together, not a
// batch of products that are added up afterwards.

#include "ops/core/family.h"
#include "ops/core/operation_count.h"
#include "ops/kernels/contraction_kernel.h"
#include "ops/kernels/onednn/contraction.h"

namespace strop {
namespace {

// ---- Shapes

// The axes of a MatMul's three tensors, each operand at least a matrix.
struct MatMulShapes {
  Shape a;  // […,M,K]
  Shape b;  // […,K,N]
  Shape batch;

  static absl::StatusOr<MatMulShapes> Of(Shape a, Shape b) {
    if (a.empty() || b.empty()) return absl::InvalidArgumentError("a scalar operand");
    if (a.size() == 1) a.insert(a.begin(), 1);
    if (b.size() == 1) b.push_back(1);
    if (a.back() != b[b.size() - 2]) {
      return absl::InvalidArgumentError("inner dimensions that differ");
    }
    MatMulShapes shapes;
    STROP_ASSIGN_OR_RETURN(shapes.batch, Broadcast(absl::MakeSpan(a).first(a.size() - 2),
                                                   absl::MakeSpan(b).first(b.size() - 2)));
    shapes.a = std::move(a);
    shapes.b = std::move(b);
    return shapes;
  }

  int64_t rows() const { return a[a.size() - 2]; }
  int64_t columns() const { return b.back(); }
  int64_t depth() const { return a.back(); }
};

// By how much an operand steps along each axis of `batch`: 0 where it is broadcast.
Shape BatchStrides(const Shape& operand, size_t batch_rank) {
  const Shape dense = DenseStrides(operand);
  const size_t axes = operand.size() - 2;
  Shape strides(batch_rank, 0);
  for (size_t i = 0; i < axes; ++i) {
    if (operand[i] != 1) strides[batch_rank - axes + i] = dense[i];
  }
  return strides;
}

// The indices of Y = A·B with the strides of A, B and Y.
std::vector<ContractionDimension> ForwardDimensions(const MatMulShapes& shapes) {
  Shape y = shapes.batch;
  y.push_back(shapes.rows());
  y.push_back(shapes.columns());
  const size_t batch_rank = shapes.batch.size();
  const Shape a = BatchStrides(shapes.a, batch_rank);
  const Shape b = BatchStrides(shapes.b, batch_rank);
  const Shape c = DenseStrides(y);
  std::vector<ContractionDimension> dimensions;
  for (size_t i = 0; i < batch_rank; ++i) {
    dimensions.push_back({.size = y[i], .a = a[i], .b = b[i], .c = c[i]});
  }
  dimensions.push_back({.size = shapes.rows(), .a = shapes.depth(), .c = shapes.columns()});
  dimensions.push_back({.size = shapes.columns(), .b = 1, .c = 1});
  dimensions.push_back({.size = shapes.depth(), .a = 1, .b = shapes.columns()});
  return dimensions;
}

// The same for Y = A·Bᵀ, B[N,K].
absl::StatusOr<MatMulShapes> TransposedShapes(const Shape& a, const Shape& b) {
  if (b.size() != 2) return absl::InvalidArgumentError("B is no matrix");
  return MatMulShapes::Of(a, {b[1], b[0]});
}

// ---- Type rules

absl::Status SetProductShape(ShapeContext& context, const absl::StatusOr<MatMulShapes>& shapes) {
  if (!shapes.ok()) {
    return context.Mismatch(ShapeName(context.input(0)) + " times " + ShapeName(context.input(1)),
                            "the last axis of A as long as the last but one of B, and leading "
                            "axes that broadcast");
  }
  Shape y = shapes->batch;
  if (context.rank(0) > 1) y.push_back(shapes->rows());
  if (context.rank(1) > 1) y.push_back(shapes->columns());
  context.set_output(0, std::move(y));
  return absl::OkStatus();
}

absl::Status MatMulShape(ShapeContext& context) {
  return SetProductShape(context, MatMulShapes::Of(context.input(0), context.input(1)));
}

absl::Status MatMulTransposedShape(ShapeContext& context) {
  return SetProductShape(context, TransposedShapes(context.input(0), context.input(1)));
}

absl::Status SameShapeAsInput2(ShapeContext& context) {
  context.set_output(0, context.input(2));
  return absl::OkStatus();
}

// ---- Gradient rules

absl::Status MatMulGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  const ValueId a = context.input(0);
  const ValueId b = context.input(1);
  if (context.needs_gradient(0)) {
    context.SetInputGradient(0, context.EmitStrop("MatMulLeftGradient", {dy, b, a}));
  }
  if (context.needs_gradient(1)) {
    context.SetInputGradient(1, context.EmitStrop("MatMulRightGradient", {a, dy, b}));
  }
  return absl::OkStatus();
}

absl::Status MatMulTransposedGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  const ValueId a = context.input(0);
  const ValueId b = context.input(1);
  if (context.needs_gradient(0)) context.SetInputGradient(0, context.Emit("MatMul", {dy, b}));
  if (context.needs_gradient(1)) {
    context.SetInputGradient(1, context.EmitStrop("MatMulRightGradient", {dy, a, b}));
  }
  return absl::OkStatus();
}

// ---- Kernels

using Dimensions = std::vector<ContractionDimension>;

absl::StatusOr<Dimensions> MatMulDimensions(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const MatMulShapes shapes,
                         MatMulShapes::Of(request.inputs[0].shape, request.inputs[1].shape));
  return ForwardDimensions(shapes);
}

absl::StatusOr<Dimensions> TransposedDimensions(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const MatMulShapes shapes,
                         TransposedShapes(request.inputs[0].shape, request.inputs[1].shape));
  Dimensions dimensions = ForwardDimensions(shapes);
  dimensions[dimensions.size() - 2].b = shapes.depth();  // columns
  dimensions[dimensions.size() - 1].b = 1;               // depth
  return dimensions;
}

// dA = dY·Bᵀ: the operands (dY, B) and the result dA take the strides that Y, B and A had.
absl::StatusOr<Dimensions> LeftGradientDimensions(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const MatMulShapes shapes,
                         MatMulShapes::Of(request.outputs[0].shape, request.inputs[1].shape));
  Dimensions dimensions = ForwardDimensions(shapes);
  for (ContractionDimension& index : dimensions) std::swap(index.a, index.c);
  return dimensions;
}

// dB = Aᵀ·dY, from the operands (A, dY).
absl::StatusOr<Dimensions> RightGradientDimensions(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const MatMulShapes shapes,
                         MatMulShapes::Of(request.inputs[0].shape, request.outputs[0].shape));
  Dimensions dimensions = ForwardDimensions(shapes);
  for (ContractionDimension& index : dimensions) std::swap(index.b, index.c);
  return dimensions;
}

template <absl::StatusOr<Dimensions> (*kDimensions)(const KernelRequest&)>
absl::StatusOr<std::unique_ptr<Kernel>> Generic(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(Dimensions dimensions, kDimensions(request));
  return ContractionKernel(request, std::move(dimensions));
}

template <absl::StatusOr<Dimensions> (*kDimensions)(const KernelRequest&)>
absl::StatusOr<std::unique_ptr<Kernel>> Onednn(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(Dimensions dimensions, kDimensions(request));
  return onednn::ProductKernel(request, PlanContraction(std::move(dimensions)), false);
}

template <absl::StatusOr<Dimensions> (*kDimensions)(const KernelRequest&)>
std::vector<KernelFactory> Kernels() {
  return {Onednn<kDimensions>, Generic<kDimensions>};
}

// ---- Facts

// Y[…,M,N] = A[…,M,K]·B[…,K,N] or A·Bᵀ: 2·M·N·K a product, whichever of the three is computed.
double Operations(const Graph& graph, const Node& node) {
  return 2 * Elements(graph, node.outputs, 0) * DimensionFromEnd(graph, node.inputs[0], 1);
}

double LeftGradientOperations(const Graph& graph, const Node& node) {  // (dY, B, A)
  return 2 * Elements(graph, node.inputs, 0) * DimensionFromEnd(graph, node.inputs[2], 1);
}

double RightGradientOperations(const Graph& graph, const Node& node) {  // (A, dY, B)
  return 2 * Elements(graph, node.inputs, 1) * DimensionFromEnd(graph, node.inputs[0], 1);
}

// All axes but the one that is summed over.
Shape WeightUnits(const Node&, size_t input, size_t rank) {
  const size_t summed = input == 0 || rank < 2 ? rank - 1 : rank - 2;
  Shape axes;
  for (size_t axis = 0; axis < rank; ++axis) {
    if (axis != summed) axes.push_back(static_cast<int64_t>(axis));
  }
  return axes;
}

// ---- Definitions

OpDefinition MatMul() {
  return {.name = "MatMul",
          .since_version = 13,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .shapes = MatMulShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = MatMulGradient,
          .kernels = Kernels<MatMulDimensions>(),
          .roles = {{0, "weight", ConstantUse::kTrained, true},
                    {1, "weight", ConstantUse::kTrained, true}},
          .operations = Operations,
          .unit_axes = WeightUnits,
          .output_units = UnitAxis::kLast,
          .linear_layer = [](const Node&) { return LinearLayer(); },
          .watch = OutputWatch()};
}

OpDefinition MatMulTransposed() {
  OpDefinition op = MatMul();
  op.name = "MatMulTransposed";
  op.domain = kStropDomain;
  op.shapes = MatMulTransposedShape;
  op.gradient = MatMulTransposedGradient;
  op.kernels = Kernels<TransposedDimensions>();
  op.unit_axes = nullptr;  // passes make it, when weights have been looked at
  op.linear_layer = nullptr;
  return op;
}

// (dY, B, A: shape) → dA and (A, dY, B: shape) → dB.
OpDefinition OperandGradient(std::string_view name, std::vector<KernelFactory> kernels,
                             double (*operations)(const Graph&, const Node&)) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .shapes = SameShapeAsInput2,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = std::move(kernels),
          .input_use = {InputUse::kElements, InputUse::kElements, InputUse::kShapeOnly},
          .operations = operations};
}

}  // namespace

const RegisteredFamily kMatMul = {
    "matmul",
    {
        MatMul(),
        MatMulTransposed(),
        OperandGradient("MatMulLeftGradient", Kernels<LeftGradientDimensions>(),
                        LeftGradientOperations),
        OperandGradient("MatMulRightGradient", Kernels<RightGradientDimensions>(),
                        RightGradientOperations),
    }};

}  // namespace strop
