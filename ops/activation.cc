// Piecewise activations: functions of one tensor, element by element, with a kink.
//
//   Relu-14             y = max(x, 0)                            dx = y > 0 ? dy : 0
//   LeakyRelu-16        y = x < 0 ? alpha·x : x                  dx = x > 0 ? dy : alpha·dy
//   PRelu-16            y = x < 0 ? s·x : x                      dx = x > 0 ? dy : s·dy
//     the slope s broadcasts to x                                ds = x > 0 ? 0 : x·dy
//   Elu-22              y = x < 0 ? alpha·(eˣ − 1) : x           dx = x > 0 ? dy : alpha·eˣ·dy
//   Selu-22             y = gamma·(x > 0 ? x : alpha·(eˣ − 1))   dx = gamma·(x > 0 ? dy :
//   alpha·eˣ·dy) Celu-28             y = x > 0 ? x : alpha·(e^(x/alpha) − 1)  dx = x > 0 ? dy :
//   e^(x/alpha)·dy ThresholdedRelu-22  y = x > alpha ? x : 0                    dx = x > alpha ? dy
//   : 0 HardSigmoid-22      y = max(0, min(1, alpha·x + beta))       dx = 0 < y < 1 ? alpha·dy : 0
//   HardSwish-22        y = x·max(0, min(1, x/6 + 1/2))          dx = dy·(x/3 + 1/2), |x| < 3
//   Shrink-9            y = x < −lambd ? x + bias : x > lambd ? x − bias : 0
//                                                                dx = |x| > lambd ? dy : 0
//
// At a kink the gradient is the one PyTorch takes. Gradient operators take (dY, X), or (dY, Y)
// where the derivative follows from the result, so that the input need not be kept.

#include <cmath>

#include "ops/core/family.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/vector_kernel.h"

namespace strop {
namespace {

// ---- Attributes

struct LeakyReluAttributes {
  double alpha;  // slope below zero
  explicit LeakyReluAttributes(const Node& node) : alpha(node.attributes.Float("alpha", 0.01)) {}
};

// alpha of Elu, Celu (the scale below zero) and ThresholdedRelu (the threshold).
struct AlphaAttributes {
  double alpha;
  explicit AlphaAttributes(const Node& node) : alpha(node.attributes.Float("alpha", 1.0)) {}
};

struct SeluAttributes {
  double alpha;
  double gamma;
  explicit SeluAttributes(const Node& node)
      : alpha(node.attributes.Float("alpha", 1.67326319217681884765625)),
        gamma(node.attributes.Float("gamma", 1.05070102214813232421875)) {}
};

struct HardSigmoidAttributes {
  double alpha;  // slope
  double beta;   // value at zero
  explicit HardSigmoidAttributes(const Node& node)
      : alpha(node.attributes.Float("alpha", 0.2)), beta(node.attributes.Float("beta", 0.5)) {}
};

struct ShrinkAttributes {
  double lambd;  // half the width of the zero zone
  double bias;   // how far the rest moves toward zero
  explicit ShrinkAttributes(const Node& node)
      : lambd(node.attributes.Float("lambd", 0.5)), bias(node.attributes.Float("bias", 0.0)) {}
};

// ---- Shape rule

// PRelu's slope broadcasts to X, never X to it.
absl::Status PReluShape(ShapeContext& context) {
  const absl::StatusOr<Shape> joined = Broadcast(context.input(0), context.input(1));
  if (!joined.ok() || *joined != context.input(0)) {
    return context.Mismatch("a slope of shape " + ShapeName(context.input(1)),
                            "one that broadcasts to X's " + ShapeName(context.input(0)));
  }
  return SameShapeAsInput0(context);
}

// ---- Gradient rules

absl::Status PReluGradient(GradientContext& context) {
  const ValueId dy = context.output_gradient(0);
  const ValueId x = context.input(0);
  if (context.needs_gradient(0)) {
    context.SetInputGradient(0, context.EmitStrop("PReluGradient", {dy, x, context.input(1)}));
  }
  if (context.needs_gradient(1)) {
    context.SetInputGradient(1, context.EmitStrop("PReluSlopeGradient", {dy, x}));
  }
  return absl::OkStatus();
}

// ---- Kernels

struct ReluFunction {
  template <typename T>
  T operator()(T x) const {
    return x < 0 ? T{0} : x;  // NaN stays NaN
  }
};

struct ReluDerivative {
  template <typename T>
  T operator()(T dy, T y) const {
    return y > 0 ? dy : T{0};
  }
};

struct HardSwishFunction {
  template <typename T>
  T operator()(T x) const {
    const T gate = x / T{6} + T{0.5};
    return x * (gate < 0 ? T{0} : gate > 1 ? T{1} : gate);
  }
};

struct HardSwishDerivative {
  template <typename T>
  T operator()(T dy, T x) const {
    if (x <= -3) return 0;
    return x >= 3 ? dy : dy * (x / T{3} + T{0.5});
  }
};

VectorParameters Parameters(const LeakyReluAttributes& attributes) {
  return {static_cast<float>(attributes.alpha)};
}

VectorParameters Parameters(const HardSigmoidAttributes& attributes) {
  return {static_cast<float>(attributes.alpha), static_cast<float>(attributes.beta)};
}

absl::StatusOr<std::unique_ptr<Kernel>> LeakyReluVector(const KernelRequest& request) {
  return MakeVectorUnary(request, simd::Functions().leaky_relu,
                         Parameters(LeakyReluAttributes(request.node)));
}

absl::StatusOr<std::unique_ptr<Kernel>> LeakyReluGradientVector(const KernelRequest& request) {
  return MakeVectorBinary(request, simd::Functions().leaky_relu_gradient,
                          Parameters(LeakyReluAttributes(request.node)));
}

absl::StatusOr<std::unique_ptr<Kernel>> HardSigmoidVector(const KernelRequest& request) {
  return MakeVectorUnary(request, simd::Functions().hard_sigmoid,
                         Parameters(HardSigmoidAttributes(request.node)));
}

absl::StatusOr<std::unique_ptr<Kernel>> HardSigmoidGradientVector(const KernelRequest& request) {
  return MakeVectorBinary(request, simd::Functions().hard_sigmoid_gradient,
                          Parameters(HardSigmoidAttributes(request.node)));
}

absl::StatusOr<std::unique_ptr<Kernel>> ReluGeneric(const KernelRequest& request) {
  return NumericUnaryKernel(request, [](const Node&) { return ReluFunction(); });
}

absl::StatusOr<std::unique_ptr<Kernel>> LeakyReluGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node& node) {
    return [attributes = LeakyReluAttributes(node)](auto x) {
      return x < 0 ? static_cast<decltype(x)>(attributes.alpha) * x : x;
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> LeakyReluGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = LeakyReluAttributes(node)](auto dy, auto x) {
      return x > 0 ? dy : static_cast<decltype(dy)>(attributes.alpha) * dy;
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> PReluGeneric(const KernelRequest& request) {
  return NumericBinaryKernel(
      request, []<typename T>(T x, T slope) { return x < 0 ? MulFunction()(slope, x) : x; });
}

absl::StatusOr<std::unique_ptr<Kernel>> PReluGradientGeneric(const KernelRequest& request) {
  return TernaryKernel(request,
                       [](auto dy, auto x, auto slope) { return x > 0 ? dy : slope * dy; });
}

absl::StatusOr<std::unique_ptr<Kernel>> PReluSlopeGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node&) {
    return [](auto dy, auto x) { return x > 0 ? decltype(dy){0} : x * dy; };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> EluGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node& node) {
    return [attributes = AlphaAttributes(node)]<typename T>(T x) {
      return x < 0 ? static_cast<T>(attributes.alpha) * std::expm1(x) : x;
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> EluGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = AlphaAttributes(node)]<typename T>(T dy, T x) {
      return x > 0 ? dy : dy * static_cast<T>(attributes.alpha) * std::exp(x);
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> SeluGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node& node) {
    return [attributes = SeluAttributes(node)]<typename T>(T x) {
      const T gamma = static_cast<T>(attributes.gamma);
      return x > 0 ? gamma * x : gamma * static_cast<T>(attributes.alpha) * std::expm1(x);
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> SeluGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = SeluAttributes(node)]<typename T>(T dy, T x) {
      const T scaled = static_cast<T>(attributes.gamma) * dy;
      return x > 0 ? scaled : scaled * static_cast<T>(attributes.alpha) * std::exp(x);
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> CeluGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node& node) {
    return [attributes = AlphaAttributes(node)]<typename T>(T x) {
      const T alpha = static_cast<T>(attributes.alpha);
      return x > 0 ? x : alpha * std::expm1(x / alpha);
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> CeluGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = AlphaAttributes(node)]<typename T>(T dy, T x) {
      return x > 0 ? dy : dy * std::exp(x / static_cast<T>(attributes.alpha));
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ThresholdedReluGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node& node) {
    return [attributes = AlphaAttributes(node)]<typename T>(T x) {
      return x > static_cast<T>(attributes.alpha) ? x : T{0};
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ThresholdedReluGradientGeneric(
    const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = AlphaAttributes(node)]<typename T>(T dy, T x) {
      return x > static_cast<T>(attributes.alpha) ? dy : T{0};
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> HardSigmoidGeneric(const KernelRequest& request) {
  return UnaryKernel(request, [](const Node& node) {
    return [attributes = HardSigmoidAttributes(node)]<typename T>(T x) {
      const T line = static_cast<T>(attributes.alpha) * x + static_cast<T>(attributes.beta);
      return line < 0 ? T{0} : line > 1 ? T{1} : line;
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> HardSigmoidGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = HardSigmoidAttributes(node)]<typename T>(T dy, T y) {
      return y > 0 && y < 1 ? dy * static_cast<T>(attributes.alpha) : T{0};
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ShrinkGeneric(const KernelRequest& request) {
  return NumericUnaryKernel(request, [](const Node& node) {
    return [attributes = ShrinkAttributes(node)]<typename T>(T x) {
      const double wide = static_cast<double>(x);
      if (wide < -attributes.lambd) return static_cast<T>(wide + attributes.bias);
      return wide > attributes.lambd ? static_cast<T>(wide - attributes.bias) : T{0};
    };
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ShrinkGradientGeneric(const KernelRequest& request) {
  return UnaryGradientKernel(request, [](const Node& node) {
    return [attributes = ShrinkAttributes(node)]<typename T>(T dy, T x) {
      const double wide = static_cast<double>(x);
      return wide < -attributes.lambd || wide > attributes.lambd ? dy : T{0};
    };
  });
}

// ---- Definitions

OpDefinition Relu() {
  OpDefinition definition = UnaryDefinition("Relu", 14, GradientFromOutput,
                                            {Vector<&simd::VectorFunctions::relu>, ReluGeneric});
  definition.is_clamp = true;
  return Watched(std::move(definition), {.can_die = true});
}

OpDefinition PRelu() {
  return {.name = "PRelu",
          .since_version = 16,
          .minimum_inputs = 2,
          .maximum_inputs = 2,
          .element_types = MatchingNumbers,
          .shapes = PReluShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = PReluGradient,
          .kernels = {PReluGeneric},
          .broadcasts = true,
          .in_place = {{0, 0}},
          .roles = {{1, "slope"}},
          .watch = OutputWatch()};
}

OpDefinition PReluInputGradient() {
  OpDefinition definition = UnaryGradientDefinition("PReluGradient", {PReluGradientGeneric});
  definition.minimum_inputs = 3;
  definition.maximum_inputs = 3;
  return definition;
}

}  // namespace

const RegisteredFamily kActivation = {
    "activation",
    {
        Relu(),
        UnaryGradientDefinition("ReluGradient", {Vector<&simd::VectorFunctions::relu_gradient>,
                                                 UnaryGradient<ReluDerivative>}),
        Watched(UnaryDefinition("LeakyRelu", 16, GradientFromInput,
                                {LeakyReluVector, LeakyReluGeneric})),
        UnaryGradientDefinition("LeakyReluGradient",
                                {LeakyReluGradientVector, LeakyReluGradientGeneric}),
        PRelu(),
        PReluInputGradient(),
        UnaryGradientDefinition("PReluSlopeGradient", {PReluSlopeGradientGeneric}),
        Watched(UnaryDefinition("Elu", 22, GradientFromInput, {EluGeneric})),
        UnaryGradientDefinition("EluGradient", {EluGradientGeneric}),
        Watched(UnaryDefinition("Selu", 22, GradientFromInput, {SeluGeneric})),
        UnaryGradientDefinition("SeluGradient", {SeluGradientGeneric}),
        Watched(UnaryDefinition("Celu", 28, GradientFromInput, {CeluGeneric})),
        UnaryGradientDefinition("CeluGradient", {CeluGradientGeneric}),
        Watched(UnaryDefinition("ThresholdedRelu", 22, GradientFromInput, {ThresholdedReluGeneric}),
                {.can_die = true}),
        UnaryGradientDefinition("ThresholdedReluGradient", {ThresholdedReluGradientGeneric}),
        Watched(UnaryDefinition("HardSigmoid", 22, GradientFromOutput,
                                {HardSigmoidVector, HardSigmoidGeneric}),
                kSigmoidWatch),
        UnaryGradientDefinition("HardSigmoidGradient",
                                {HardSigmoidGradientVector, HardSigmoidGradientGeneric}),
        Watched(
            UnaryDefinition("HardSwish", 22, GradientFromInput,
                            {Vector<&simd::VectorFunctions::hard_swish>, Unary<HardSwishFunction>}),
            {.can_die = true}),
        UnaryGradientDefinition("HardSwishGradient",
                                {Vector<&simd::VectorFunctions::hard_swish_gradient>,
                                 UnaryGradient<HardSwishDerivative>}),
        UnaryDefinition("Shrink", 9, GradientFromInput, {ShrinkGeneric}),
        UnaryGradientDefinition("ShrinkGradient", {ShrinkGradientGeneric}),
    }};

}  // namespace strop
