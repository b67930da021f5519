// Smooth activations: functions of one tensor, element by element. σ(x) = 1/(1 + e^−x).
//
//   Sigmoid-13   y = σ(x)                        dx = dy·y·(1 − y)
//   Tanh-13      y = tanh(x)                     dx = dy·(1 − y²)
//   Softplus-22  y = ln(1 + eˣ)                  dx = dy·σ(x)
//   Softsign-22  y = x/(1 + |x|)                 dx = dy/(1 + |x|)²
//   Swish-24     y = x·σ(alpha·x)                dx = dy·(s + alpha·x·s·(1 − s)), s = σ(alpha·x)
//   Mish-22      y = x·t, t = tanh(ln(1 + eˣ))   dx = dy·(t + x·(1 − t²)·σ(x))
//   Gelu-20      y = x·Φ(x)                      dx = dy·(Φ(x) + x·φ(x))
//     Φ, φ: the normal distribution and its density; with approximate = "tanh"
//     Φ(x) ≈ (1 + tanh(u))/2, u = √(2/π)·(x + 0.044715·x³)

#include <cmath>
#include <numbers>

#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/vector_kernel.h"

namespace strop {
namespace {

// ---- Attributes

struct SwishAttributes {
  double alpha;
  explicit SwishAttributes(const Node& node) : alpha(node.attributes.Float("alpha", 1.0)) {}
};

struct GeluAttributes {
  bool uses_tanh;
  explicit GeluAttributes(const Node& node)
      : uses_tanh(node.attributes.String("approximate", "none") == "tanh") {}
};

absl::Status CheckGelu(const Node& node) {
  const std::string approximate = node.attributes.String("approximate", "none");
  if (approximate == "none" || approximate == "tanh") return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": approximate is \"",
                                                 approximate, "\", expected none or tanh"));
}

// ---- Functions

struct SigmoidFunction {
  template <typename T>
  T operator()(T x) const {
    const T small = std::exp(-std::abs(x));  // never overflows
    return (x < 0 ? small : T{1}) / (T{1} + small);
  }
};

struct SigmoidDerivative {
  template <typename T>
  T operator()(T dy, T y) const {
    return dy * y * (T{1} - y);
  }
};

struct TanhFunction {
  template <typename T>
  T operator()(T x) const {
    return std::tanh(x);
  }
};

struct TanhDerivative {
  template <typename T>
  T operator()(T dy, T y) const {
    return dy * (T{1} - y * y);
  }
};

struct SoftplusFunction {
  template <typename T>
  T operator()(T x) const {
    return (x > 0 ? x : T{0}) + std::log1p(std::exp(-std::abs(x)));
  }
};

struct SoftplusDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    return dy * SigmoidFunction()(x);
  }
};

struct SoftsignFunction {
  template <typename T>
  T operator()(T x) const {
    return x / (T{1} + std::abs(x));
  }
};

struct SoftsignDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    const T width = T{1} + std::abs(x);
    return dy / (width * width);
  }
};

struct MishFunction {
  template <typename T>
  T operator()(T x) const {
    return x * std::tanh(SoftplusFunction()(x));
  }
};

struct MishDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    const T gate = std::tanh(SoftplusFunction()(x));
    return dy * (gate + x * (T{1} - gate * gate) * SigmoidFunction()(x));
  }
};

template <typename T>
T NormalDistribution(T x) {
  return T{0.5} * std::erfc(-x / std::numbers::sqrt2_v<T>);
}

template <typename T>
T GeluSlope(T x) {
  const T density =
      std::numbers::inv_sqrtpi_v<T> / std::numbers::sqrt2_v<T> * std::exp(-x * x / T{2});
  return NormalDistribution(x) + x * density;
}

constexpr double kGeluScale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
constexpr double kGeluCube = 0.044715;

template <typename T>
T GeluTanhArgument(T x) {
  return static_cast<T>(kGeluScale) * (x + static_cast<T>(kGeluCube) * x * x * x);
}

template <typename T>
T GeluTanhSlope(T x) {
  const T gate = std::tanh(GeluTanhArgument(x));
  const T inner = static_cast<T>(kGeluScale) * (T{1} + static_cast<T>(3 * kGeluCube) * x * x);
  return T{0.5} * (T{1} + gate) + T{0.5} * x * (T{1} - gate * gate) * inner;
}

// ---- Kernels

absl::StatusOr<std::unique_ptr<Kernel>> SwishVector(const KernelRequest& request) {
  return MakeVectorUnary(request, simd::Functions().swish,
                         {static_cast<float>(SwishAttributes(request.node).alpha)});
}

absl::StatusOr<std::unique_ptr<Kernel>> SwishGradientVector(const KernelRequest& request) {
  return MakeVectorBinary(request, simd::Functions().swish_gradient,
                          {static_cast<float>(SwishAttributes(request.node).alpha)});
}

absl::StatusOr<std::unique_ptr<Kernel>> GeluVector(const KernelRequest& request) {
  const simd::VectorFunctions& functions = simd::Functions();
  return MakeVectorUnary(
      request, GeluAttributes(request.node).uses_tanh ? functions.gelu_tanh : functions.gelu);
}

absl::StatusOr<std::unique_ptr<Kernel>> GeluGradientVector(const KernelRequest& request) {
  const simd::VectorFunctions& functions = simd::Functions();
  return MakeVectorBinary(request, GeluAttributes(request.node).uses_tanh
                                       ? functions.gelu_tanh_gradient
                                       : functions.gelu_gradient);
}

absl::StatusOr<std::unique_ptr<Kernel>> SwishGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node& node) {
    return [attributes = SwishAttributes(node)]<typename T>(T x) {
      return x * SigmoidFunction()(static_cast<T>(attributes.alpha) * x);
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> SwishGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = SwishAttributes(node)]<typename T>(T dy, T x) {
      const T scaled = static_cast<T>(attributes.alpha) * x;
      const T gate = SigmoidFunction()(scaled);
      return dy * (gate + scaled * gate * (T{1} - gate));
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> GeluGeneric(const KernelRequest& request) {
  if (GeluAttributes(request.node).uses_tanh) {
    return UnaryKernel(request, [](const Node&) {
      return []<typename T>(T x) { return T{0.5} * x * (T{1} + std::tanh(GeluTanhArgument(x))); };
    });
  }
  return UnaryKernel(request, [](const Node&) {
    return []<typename T>(T x) { return x * NormalDistribution(x); };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> GeluGradientGeneric(const KernelRequest& request) {
  if (GeluAttributes(request.node).uses_tanh) {
    return UnaryGradientKernel(request, [](const Node&) {
      return []<typename T>(T dy, T x) { return dy * GeluTanhSlope(x); };
    });
  }
  return UnaryGradientKernel(
      request, [](const Node&) { return []<typename T>(T dy, T x) { return dy * GeluSlope(x); }; });
}

// ---- Definitions

// Where 1 - y² < 1 / 10, and where (1 - |y|)² < 1 / 10.
constexpr double kTanh = 0.94868;
constexpr double kSoftsign = 0.68377;

OpDefinition Sigmoid() {
  OpDefinition definition =
      UnaryDefinition("Sigmoid", 13, GradientFromOutput,
                      {Vector<&simd::VectorFunctions::sigmoid>, Unary<SigmoidFunction>});
  definition.probability_activation = ProbabilityActivation::kSigmoid;
  return Watched(std::move(definition), kSigmoidWatch);
}

OpDefinition Gelu() {
  OpDefinition definition =
      UnaryDefinition("Gelu", 20, GradientFromInput, {GeluVector, GeluGeneric});
  definition.check_attributes = CheckGelu;
  return Watched(std::move(definition));
}

}  // namespace

const RegisteredFamily kActivationSmooth = {
    "activation_smooth",
    {
        Sigmoid(),
        UnaryGradientDefinition(
            "SigmoidGradient",
            {Vector<&simd::VectorFunctions::sigmoid_gradient>, UnaryGradient<SigmoidDerivative>}),
        Watched(UnaryDefinition(
                    "Tanh", 13, GradientFromOutput,
                    {Vector<&simd::VectorFunctions::hyperbolic_tangent>, Unary<TanhFunction>}),
                {.saturated_below = -kTanh, .saturated_above = kTanh}),
        UnaryGradientDefinition("TanhGradient", {Vector<&simd::VectorFunctions::tanh_gradient>,
                                                 UnaryGradient<TanhDerivative>}),
        Watched(UnaryDefinition("Softplus", 22, GradientFromInput, {Unary<SoftplusFunction>})),
        UnaryGradientDefinition("SoftplusGradient", {UnaryGradient<SoftplusDerivative>}),
        Watched(UnaryDefinition("Softsign", 22, GradientFromInput, {Unary<SoftsignFunction>}),
                {.saturated_below = -kSoftsign, .saturated_above = kSoftsign}),
        UnaryGradientDefinition("SoftsignGradient", {UnaryGradient<SoftsignDerivative>}),
        Watched(UnaryDefinition("Swish", 24, GradientFromInput, {SwishVector, SwishGeneric})),
        UnaryGradientDefinition("SwishGradient", {SwishGradientVector, SwishGradientGeneric}),
        Watched(UnaryDefinition("Mish", 22, GradientFromInput,
                                {Vector<&simd::VectorFunctions::mish>, Unary<MishFunction>})),
        UnaryGradientDefinition("MishGradient", {Vector<&simd::VectorFunctions::mish_gradient>,
                                                 UnaryGradient<MishDerivative>}),
        Gelu(),
        UnaryGradientDefinition("GeluGradient", {GeluGradientVector, GeluGradientGeneric}),
    }};

}  // namespace strop
