// Arithmetic on tensors that broadcast against each other as in NumPy.
//
//   Add-14   y = a + b           da = dy             db = dy
//   Sub-14   y = a − b           da = dy             db = −dy
//   Mul-14   y = a·b             da = dy·b           db = dy·a
//   Div-14   y = a/b             da = dy/b           db = −dy·y/b
//   Sum-13   y = Σ x_k           dx_k = dy
//   Mean-13  y = Σ x_k / n       dx_k = dy/n
//
// Integers wrap around; their quotients truncate, and a division by zero gives 0. Gradients are of
// y's shape: the walker sums them back over what was broadcast.

#include <type_traits>

#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/vector_kernel.h"

namespace strop {
namespace {

// ---- Functions

// Signed overflow is undefined in C++, so integers are computed modulo 2^64 and cut.
template <typename T>
constexpr bool kWraps = std::is_integral_v<T>;

struct AddFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (kWraps<T>) return static_cast<T>(static_cast<uint64_t>(a) + b);
    return a + b;
  }
};

struct SubFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (kWraps<T>) return static_cast<T>(static_cast<uint64_t>(a) - b);
    return a - b;
  }
};

struct DivFunction {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (kWraps<T>) {
      if (b == 0) return 0;
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return SubFunction()(T{0}, a);
    }
    return a / b;
  }
};

// ---- Gradient rules

absl::Status AddGradient(GradientContext& context) {
  for (size_t i = 0; i < context.node().inputs.size(); ++i) {
    if (context.needs_gradient(i)) context.SetInputGradient(i, context.output_gradient(0));
  }
  return absl::OkStatus();
}

absl::Status SubGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  if (context.needs_gradient(0)) context.SetInputGradient(0, dy);
  if (context.needs_gradient(1)) context.SetInputGradient(1, context.Emit("Neg", {dy}));
  return absl::OkStatus();
}

absl::Status MulGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  for (const size_t i : {0, 1}) {
    if (!context.needs_gradient(i)) continue;
    context.SetInputGradient(i, context.Emit("Mul", {dy, context.input(1 - i)}));
  }
  return absl::OkStatus();
}

absl::Status DivGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  const ValueId b = context.input(1);
  if (context.needs_gradient(0)) context.SetInputGradient(0, context.Emit("Div", {dy, b}));
  if (context.needs_gradient(1)) {
    context.SetInputGradient(1,
                             context.EmitStrop("DivDivisorGradient", {dy, b, context.output(0)}));
  }
  return absl::OkStatus();
}

absl::Status MeanGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  const double share = 1.0 / static_cast<double>(context.node().inputs.size());
  const ValueId dx = context.Emit("Mul", {dy, context.Scalar(share, dy)});
  for (size_t i = 0; i < context.node().inputs.size(); ++i) {
    if (context.needs_gradient(i)) context.SetInputGradient(i, dx);
  }
  return absl::OkStatus();
}

// ---- Kernels

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> BinaryGeneric(const KernelRequest& request) {
  return NumericBinaryKernel(request, Function());
}

absl::StatusOr<std::unique_ptr<Kernel>> DivDivisorGradientGeneric(const KernelRequest& request) {
  return TernaryKernel(request, [](auto dy, auto b, auto y) { return -dy * (y / b); });
}

// total += x along a row.
template <typename T>
void AddRow(const T* x, int64_t step, ComputeType<T>* total, int64_t count) {
  if (step == 0) {
    const auto number = static_cast<ComputeType<T>>(*x);
    for (int64_t i = 0; i < count; ++i) total[i] += number;
  } else {
    for (int64_t i = 0; i < count; ++i) total[i] += static_cast<ComputeType<T>>(x[i]);
  }
}

// y = scale·Σ x_k. Half types are summed in float, tile by tile.
absl::StatusOr<std::unique_ptr<Kernel>> ScaledSum(const KernelRequest& request, double scale) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([walk = WalkOf(request), scale](const KernelArguments& arguments) {
          using C = ComputeType<T>;
          constexpr int64_t kTile = 256;
          T* y = arguments.output<T>(0);
          walk.ParallelForEachRow(kElementwiseGrain, [&](const BroadcastWalk::Row& row) {
            for (int64_t begin = 0; begin < row.count; begin += kTile) {
              const int64_t count = std::min(kTile, row.count - begin);
              C total[kTile] = {};
              for (size_t k = 0; k < arguments.inputs.size(); ++k) {
                const int64_t step = walk.inner_step(k);
                AddRow(arguments.input<T>(k) + row.offsets[k] + begin * step, step, total, count);
              }
              for (int64_t i = 0; i < count; ++i) {
                y[row.begin + begin + i] = static_cast<T>(total[i] * static_cast<C>(scale));
              }
            }
          });
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  AdoptElementwiseLayout(request, *kernel);
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> SumGeneric(const KernelRequest& request) {
  return ScaledSum(request, 1.0);
}

absl::StatusOr<std::unique_ptr<Kernel>> MeanGeneric(const KernelRequest& request) {
  return ScaledSum(request, 1.0 / static_cast<double>(request.inputs.size()));
}

// ---- Definitions

OpDefinition Binary(std::string_view name, absl::Status (*gradient)(GradientContext&),
                    std::vector<KernelFactory> kernels,
                    Combination combination = Combination::kNone) {
  return {.name = name,
          .since_version = 14,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .element_types = MatchingNumbers,
          .shapes = BroadcastShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = gradient,
          .kernels = std::move(kernels),
          .broadcasts = true,
          .in_place = {{0, 0}, {1, 0}},
          .combination = combination};
}

OpDefinition Variadic(std::string_view name, absl::Status (*gradient)(GradientContext&),
                      KernelFactory generic) {
  OpDefinition definition = Binary(name, gradient, {generic});
  definition.since_version = 13;
  definition.minimum_inputs = 1;
  definition.maximum_inputs = kVariadic;
  return definition;
}

OpDefinition DivDivisorGradient() {
  return {.name = "DivDivisorGradient",
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .shapes = BroadcastShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {DivDivisorGradientGeneric},
          .in_place = {{0, 0}, {2, 0}}};
}

}  // namespace

const RegisteredFamily kArithmetic = {
    "arithmetic",
    {
        Binary("Add", AddGradient,
               {Vector<&simd::VectorFunctions::add>, BinaryGeneric<AddFunction>},
               Combination::kSum),
        Binary("Sub", SubGradient,
               {Vector<&simd::VectorFunctions::subtract>, BinaryGeneric<SubFunction>},
               Combination::kDifference),
        Binary("Mul", MulGradient,
               {Vector<&simd::VectorFunctions::multiply>, BinaryGeneric<MulFunction>},
               Combination::kProduct),
        Binary("Div", DivGradient,
               {Vector<&simd::VectorFunctions::divide>, BinaryGeneric<DivFunction>},
               Combination::kProduct),
        DivDivisorGradient(),
        Variadic("Sum", AddGradient, SumGeneric),
        Variadic("Mean", MeanGradient, MeanGeneric),
    }};

}  // namespace strop
