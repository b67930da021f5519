// Mathematical functions of one tensor, element by element.
//
//   Neg-13 −x            Abs-13 |x|           Sign-13 −1, 0, 1     Reciprocal-13 1/x
//   Exp-13 eˣ            Log-13 ln x          Sqrt-13 √x           Erf-13 2/√π ∫₀ˣ e^(−t²) dt
//   Sin-22 Cos-22 Tan-22 Asin-22 Acos-22 Atan-22
//   Sinh-22 Cosh-22 Tanh (activation_smooth.cc) Asinh-22 Acosh-22 Atanh-22
//   Floor-13 ⌊x⌋         Ceil-13 ⌈x⌉          Round-22 nearest, ties to even
//
// Gradients: dx = dy·f'(x), written beside each function; from y where that is cheaper. Sign,
// Floor, Ceil and Round are constant almost everywhere. At 0 the gradient of Abs is 0.

#include <cmath>
#include <numbers>

#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/vector_kernel.h"

namespace strop {
namespace {

// ---- Functions

struct NegFunction {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_integral_v<T>) return static_cast<T>(-static_cast<uint64_t>(x));
    return -x;
  }
};

struct AbsFunction {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_unsigned_v<T>) return x;
    if constexpr (std::is_floating_point_v<T>) return std::abs(x);
    return x < 0 ? NegFunction()(x) : x;
  }
};

struct SignFunction {
  template <typename T>
  T operator()(T x) const {
    if (x != x) return x;
    return static_cast<T>((x > T{0}) - (x < T{0}));
  }
};

struct AbsDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy * SignFunction()(x);
  }
};

struct ReciprocalFunction {
  template <typename T>
  T operator()(T x) const {
    return T{1} / x;
  }
};

// dx = −dy·y²
struct ReciprocalDerivative {
  template <typename T>
  T operator()(T dy, T y) const {
    return -dy * y * y;
  }
};

struct ExpFunction {
  template <typename T>
  T operator()(T x) const {
    return std::exp(x);
  }
};

struct LogFunction {
  template <typename T>
  T operator()(T x) const {
    return std::log(x);
  }
};

struct SqrtFunction {
  template <typename T>
  T operator()(T x) const {
    return std::sqrt(x);
  }
};

// dx = dy/(2y)
struct SqrtDerivative {
  template <typename T>
  T operator()(T dy, T y) const {
    return dy / (T{2} * y);
  }
};

struct ErfFunction {
  template <typename T>
  T operator()(T x) const {
    return std::erf(x);
  }
};

// dx = dy·2/√π·e^(−x²)
struct ErfDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy * T{2} * std::numbers::inv_sqrtpi_v<T> * std::exp(-x * x);
  }
};

struct SinFunction {
  template <typename T>
  T operator()(T x) const {
    return std::sin(x);
  }
};

struct SinDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy * std::cos(x);
  }
};

struct CosFunction {
  template <typename T>
  T operator()(T x) const {
    return std::cos(x);
  }
};

struct CosDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return -dy * std::sin(x);
  }
};

struct TanFunction {
  template <typename T>
  T operator()(T x) const {
    return std::tan(x);
  }
};

// dx = dy·(1 + y²)
struct TanDerivative {
  template <typename T>
  T operator()(T dy, T y) const {
    return dy * (T{1} + y * y);
  }
};

struct AsinFunction {
  template <typename T>
  T operator()(T x) const {
    return std::asin(x);
  }
};

struct AsinDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy / std::sqrt((T{1} - x) * (T{1} + x));
  }
};

struct AcosFunction {
  template <typename T>
  T operator()(T x) const {
    return std::acos(x);
  }
};

struct AcosDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return -dy / std::sqrt((T{1} - x) * (T{1} + x));
  }
};

struct AtanFunction {
  template <typename T>
  T operator()(T x) const {
    return std::atan(x);
  }
};

struct AtanDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy / (T{1} + x * x);
  }
};

struct SinhFunction {
  template <typename T>
  T operator()(T x) const {
    return std::sinh(x);
  }
};

struct SinhDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy * std::cosh(x);
  }
};

struct CoshFunction {
  template <typename T>
  T operator()(T x) const {
    return std::cosh(x);
  }
};

struct CoshDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy * std::sinh(x);
  }
};

struct AsinhFunction {
  template <typename T>
  T operator()(T x) const {
    return std::asinh(x);
  }
};

struct AsinhDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy / std::sqrt(x * x + T{1});
  }
};

struct AcoshFunction {
  template <typename T>
  T operator()(T x) const {
    return std::acosh(x);
  }
};

struct AcoshDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy / std::sqrt((x - T{1}) * (x + T{1}));
  }
};

struct AtanhFunction {
  template <typename T>
  T operator()(T x) const {
    return std::atanh(x);
  }
};

struct AtanhDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy / ((T{1} - x) * (T{1} + x));
  }
};

struct FloorFunction {
  template <typename T>
  T operator()(T x) const {
    return std::floor(x);
  }
};

struct CeilFunction {
  template <typename T>
  T operator()(T x) const {
    return std::ceil(x);
  }
};

struct RoundFunction {
  template <typename T>
  T operator()(T x) const {
    return std::nearbyint(x);
  }
};

// ---- Gradient rules

// dX = −dY
absl::Status NegGradient(GradientContext& context) {
  context.SetInputGradient(0, context.Emit("Neg", {context.output_gradient(0)}));
  return absl::OkStatus();
}

// dX = dY·Y
absl::Status ExpGradient(GradientContext& context) {
  context.SetInputGradient(0, context.Emit("Mul", {context.output_gradient(0), context.output(0)}));
  return absl::OkStatus();
}

// dX = dY/X
absl::Status LogGradient(GradientContext& context) {
  context.SetInputGradient(0, context.Emit("Div", {context.output_gradient(0), context.input(0)}));
  return absl::OkStatus();
}

// ---- Kernels of functions that integers have too

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> NumericUnary(const KernelRequest& request) {
  return NumericUnaryKernel(request, [](const Node&) { return Function(); });
}

// ---- Definitions

// Constant almost everywhere.
OpDefinition Step(std::string_view name, int since_version, KernelFactory generic) {
  OpDefinition definition = UnaryDefinition(name, since_version, nullptr, {generic});
  definition.differentiability = {Differentiability::kNotDifferentiable};
  return definition;
}

}  // namespace

const RegisteredFamily kUnaryMath = {
    "unary_math",
    {
        UnaryDefinition("Neg", 13, NegGradient,
                        {Vector<&simd::VectorFunctions::negate>, NumericUnary<NegFunction>}),
        UnaryDefinition("Abs", 13, GradientFromInput,
                        {Vector<&simd::VectorFunctions::absolute>, NumericUnary<AbsFunction>}),
        UnaryGradientDefinition("AbsGradient", {UnaryGradient<AbsDerivative>}),
        UnaryDefinition("Reciprocal", 13, GradientFromOutput,
                        {Vector<&simd::VectorFunctions::reciprocal>, Unary<ReciprocalFunction>}),
        UnaryGradientDefinition("ReciprocalGradient", {UnaryGradient<ReciprocalDerivative>}),
        UnaryDefinition("Exp", 13, ExpGradient,
                        {Vector<&simd::VectorFunctions::exponential>, Unary<ExpFunction>}),
        UnaryDefinition("Log", 13, LogGradient, {Unary<LogFunction>}),
        UnaryDefinition("Sqrt", 13, GradientFromOutput,
                        {Vector<&simd::VectorFunctions::square_root>, Unary<SqrtFunction>}),
        UnaryGradientDefinition("SqrtGradient", {UnaryGradient<SqrtDerivative>}),
        UnaryDefinition("Erf", 13, GradientFromInput,
                        {Vector<&simd::VectorFunctions::error_function>, Unary<ErfFunction>}),
        UnaryGradientDefinition("ErfGradient", {UnaryGradient<ErfDerivative>}),
        UnaryDefinition("Sin", 22, GradientFromInput, {Unary<SinFunction>}),
        UnaryGradientDefinition("SinGradient", {UnaryGradient<SinDerivative>}),
        UnaryDefinition("Cos", 22, GradientFromInput, {Unary<CosFunction>}),
        UnaryGradientDefinition("CosGradient", {UnaryGradient<CosDerivative>}),
        UnaryDefinition("Tan", 22, GradientFromOutput, {Unary<TanFunction>}),
        UnaryGradientDefinition("TanGradient", {UnaryGradient<TanDerivative>}),
        UnaryDefinition("Asin", 22, GradientFromInput, {Unary<AsinFunction>}),
        UnaryGradientDefinition("AsinGradient", {UnaryGradient<AsinDerivative>}),
        UnaryDefinition("Acos", 22, GradientFromInput, {Unary<AcosFunction>}),
        UnaryGradientDefinition("AcosGradient", {UnaryGradient<AcosDerivative>}),
        UnaryDefinition("Atan", 22, GradientFromInput, {Unary<AtanFunction>}),
        UnaryGradientDefinition("AtanGradient", {UnaryGradient<AtanDerivative>}),
        UnaryDefinition("Sinh", 22, GradientFromInput, {Unary<SinhFunction>}),
        UnaryGradientDefinition("SinhGradient", {UnaryGradient<SinhDerivative>}),
        UnaryDefinition("Cosh", 22, GradientFromInput, {Unary<CoshFunction>}),
        UnaryGradientDefinition("CoshGradient", {UnaryGradient<CoshDerivative>}),
        UnaryDefinition("Asinh", 22, GradientFromInput, {Unary<AsinhFunction>}),
        UnaryGradientDefinition("AsinhGradient", {UnaryGradient<AsinhDerivative>}),
        UnaryDefinition("Acosh", 22, GradientFromInput, {Unary<AcoshFunction>}),
        UnaryGradientDefinition("AcoshGradient", {UnaryGradient<AcoshDerivative>}),
        UnaryDefinition("Atanh", 22, GradientFromInput, {Unary<AtanhFunction>}),
        UnaryGradientDefinition("AtanhGradient", {UnaryGradient<AtanhDerivative>}),
        Step("Sign", 13, NumericUnary<SignFunction>),
        Step("Floor", 13, Unary<FloorFunction>),
        Step("Ceil", 13, Unary<CeilFunction>),
        Step("Round", 22, Unary<RoundFunction>),
    }};

}  // namespace strop
