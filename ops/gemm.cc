// The general matrix product: Gemm-13.
//
//   Y[M,N] = alpha·A'·B' + beta·C     A' = A or Aᵀ, B' = B or Bᵀ, C broadcast to [M,N] or absent
//   dA' = alpha·dY·B'ᵀ,  dB' = alpha·A'ᵀ·dY,  dC = beta·dY summed over C's broadcast axes
//
// dA and dB are Gemms themselves.

#include "ops/core/family.h"
#include "ops/core/operation_count.h"
#include "ops/kernels/contraction_kernel.h"
#include "ops/kernels/onednn/contraction.h"

namespace strop {
namespace {

// ---- Attributes

struct GemmAttributes {
  double alpha;  // scales the product
  double beta;   // scales C
  bool transpose_a;
  bool transpose_b;

  explicit GemmAttributes(const Node& node)
      : alpha(node.attributes.Float("alpha", 1)),
        beta(node.attributes.Float("beta", 1)),
        transpose_a(node.attributes.Int("transA", 0) != 0),
        transpose_b(node.attributes.Int("transB", 0) != 0) {}
};

Attributes ProductAttributes(double alpha, bool transpose_a, bool transpose_b) {
  return {{"alpha", alpha},
          {"transA", static_cast<int64_t>(transpose_a)},
          {"transB", static_cast<int64_t>(transpose_b)}};
}

// ---- Type rule

absl::Status GemmShape(ShapeContext& context) {
  const GemmAttributes attributes(context.node());
  if (context.rank(0) != 2 || context.rank(1) != 2) {
    return context.Mismatch(ShapeName(context.input(0)) + " times " + ShapeName(context.input(1)),
                            "two matrices");
  }
  const Shape& a = context.input(0);
  const Shape& b = context.input(1);
  if (a[attributes.transpose_a ? 0 : 1] != b[attributes.transpose_b ? 1 : 0]) {
    return context.Mismatch(ShapeName(a) + " times " + ShapeName(b) + " with transA " +
                                (attributes.transpose_a ? "1" : "0") + " and transB " +
                                (attributes.transpose_b ? "1" : "0"),
                            "equal inner dimensions");
  }
  Shape y = {a[attributes.transpose_a ? 1 : 0], b[attributes.transpose_b ? 0 : 1]};
  if (context.has_input(2)) {
    const absl::StatusOr<Shape> joined = Broadcast(y, context.input(2));
    if (!joined.ok() || *joined != y) {
      return context.Mismatch("C of shape " + ShapeName(context.input(2)),
                              "a shape that broadcasts to " + ShapeName(y));
    }
  }
  context.set_output(0, std::move(y));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status GemmGradient(GradientContext& context) {
  const GemmAttributes attributes(context.node());
  const double alpha = attributes.alpha;
  const bool ta = attributes.transpose_a;
  const bool tb = attributes.transpose_b;
  const ValueId dy = context.output_gradient(0);
  const ValueId a = context.input(0);
  const ValueId b = context.input(1);
  if (context.needs_gradient(0)) {
    context.SetInputGradient(
        0, ta ? context.Emit("Gemm", {b, dy}, ProductAttributes(alpha, tb, true))
              : context.Emit("Gemm", {dy, b}, ProductAttributes(alpha, false, !tb)));
  }
  if (context.needs_gradient(1)) {
    context.SetInputGradient(
        1, tb ? context.Emit("Gemm", {dy, a}, ProductAttributes(alpha, true, ta))
              : context.Emit("Gemm", {a, dy}, ProductAttributes(alpha, !ta, false)));
  }
  if (context.needs_gradient(2)) {
    const ValueId scaled =
        attributes.beta == 1 ? dy : context.Emit("Mul", {dy, context.Scalar(attributes.beta, dy)});
    context.SetInputGradient(2, context.EmitStrop("SumToLike", {scaled, context.input(2)}));
  }
  return absl::OkStatus();
}

// ---- Kernel

// y[i,j] = beta·c[i,j], c broadcast by strides of 0.
template <typename T>
void FillWithBias(const Matrix<const T>& c, int64_t rows, int64_t columns, ComputeType<T> beta,
                  T* y) {
  constexpr int64_t kGrain = 16;
  ParallelFor(rows, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* from = c.data + i * c.row_stride;
      for (int64_t j = 0; j < columns; ++j) {
        y[i * columns + j] =
            static_cast<T>(beta * static_cast<ComputeType<T>>(from[j * c.column_stride]));
      }
    }
  });
}

// The strides of C under the shape of Y.
Matrix<const void> BiasStrides(const Shape& c) {
  const int64_t columns = c.empty() ? 1 : c.back();
  const int64_t rows = c.size() < 2 ? 1 : c[0];
  return {nullptr, rows == 1 ? 0 : columns, columns == 1 ? 0 : 1};
}

std::vector<ContractionDimension> GemmDimensions(const KernelRequest& request) {
  const GemmAttributes attributes(request.node);
  const Shape& a = request.inputs[0].shape;
  const Shape& b = request.inputs[1].shape;
  const Shape& y = request.outputs[0].shape;
  const int64_t depth = a[attributes.transpose_a ? 0 : 1];
  const bool ta = attributes.transpose_a;
  const bool tb = attributes.transpose_b;
  return {{.size = y[0], .a = ta ? 1 : a[1], .c = y[1]},
          {.size = y[1], .b = tb ? b[1] : 1, .c = 1},
          {.size = depth, .a = ta ? a[1] : 1, .b = tb ? 1 : b[1]}};
}

// One primitive with C as its bias: alpha and beta are 1 and C is a row, or there is none.
absl::StatusOr<std::unique_ptr<Kernel>> GemmOnednn(const KernelRequest& request) {
  const GemmAttributes attributes(request.node);
  const bool has_bias = request.has_input(2) && attributes.beta != 0;
  if (attributes.alpha != 1) return nullptr;
  if (has_bias) {
    const Shape& c = request.inputs[2].shape;
    const bool is_row = !c.empty() && c.back() == request.outputs[0].shape[1] &&
                        request.inputs[2].element_count() == c.back();
    if (attributes.beta != 1 || !is_row) return nullptr;
  }
  return onednn::ProductKernel(request, PlanContraction(GemmDimensions(request)), has_bias);
}

absl::StatusOr<std::unique_ptr<Kernel>> GemmGeneric(const KernelRequest& request) {
  const GemmAttributes attributes(request.node);
  const bool has_bias = request.has_input(2) && attributes.beta != 0;
  const Matrix<const void> bias =
      has_bias ? BiasStrides(request.inputs[2].shape) : Matrix<const void>();
  const Shape y_shape = request.outputs[0].shape;
  const Contraction plan = PlanContraction(GemmDimensions(request));
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitProduct(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel(
            [=](const KernelArguments& arguments) {
              T* y = arguments.output<T>(0);
              if (has_bias) {
                FillWithBias<T>({arguments.input<T>(2), bias.row_stride, bias.column_stride},
                                y_shape[0], y_shape[1],
                                static_cast<ComputeType<T>>(attributes.beta), y);
              }
              Contract<T>(plan, arguments.input<T>(0), arguments.input<T>(1), y,
                          static_cast<ComputeType<T>>(attributes.alpha), has_bias,
                          arguments.workspace);
              return absl::OkStatus();
            },
            ContractionWorkspaceBytes<T>());
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

// ---- Facts

double Operations(const Graph& graph, const Node& node) {
  const bool is_transposed = node.attributes.Int("transA", 0) != 0;
  return 2 * Elements(graph, node.outputs, 0) *
         DimensionFromEnd(graph, node.inputs[0], is_transposed ? 2 : 1);
}

Shape WeightUnits(const Node& node, size_t input, size_t /*rank*/) {
  if (input > 1) return {};
  const bool is_transposed = node.attributes.Int(input == 0 ? "transA" : "transB", 0) != 0;
  return {(input == 0) != is_transposed ? 0 : 1};
}

LinearLayer Layer(const Node& node) {
  const bool is_transposed = node.attributes.Int("transB", 0) != 0;
  return {
      is_transposed ? LinearLayer::Weight::kOutputsByInputs : LinearLayer::Weight::kInputsByOutputs,
      node.attributes.Float("alpha", 1)};
}

// ---- Definition

OpDefinition Gemm() {
  return {.name = "Gemm",
          .since_version = 13,
          .minimum_inputs = 2,
          .maximum_inputs = 3,
          .shapes = GemmShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = GemmGradient,
          .kernels = {GemmOnednn, GemmGeneric},
          .roles = {{0, "weight", ConstantUse::kTrained, true},
                    {1, "weight", ConstantUse::kTrained, true},
                    {2, "bias", ConstantUse::kTrained, true}},
          .operations = Operations,
          .unit_axes = WeightUnits,
          .output_units = UnitAxis::kLast,
          .linear_layer = Layer,
          .watch = OutputWatch()};
}

}  // namespace

const RegisteredFamily kGemm = {"gemm", {Gemm()}};

}  // namespace strop
