// Elementwise functions on vectors of float and the loops over ranges. Included once a target.
// The formulas are those of the op families.

#if defined(STROP_VECTOR_ELEMENTWISE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STROP_VECTOR_ELEMENTWISE_INL
#undef STROP_VECTOR_ELEMENTWISE_INL
#else
#define STROP_VECTOR_ELEMENTWISE_INL
#endif

#include <cstring>

#include "hwy/highway.h"
#include "ops/kernels/simd/vector_exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strop::simd::HWY_NAMESPACE {

// ---- Loops. The last, partial vector goes through a buffer, so every element takes one path.

template <typename Function>
void MapUnary(const float* x, float* y, int64_t count, const float* parameters) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Function function(parameters);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(function(hn::LoadU(d, x + i)), d, y + i);
  if (i == count) return;
  const size_t rest = static_cast<size_t>(count - i) * sizeof(float);
  HWY_ALIGN float buffer[hn::MaxLanes(D())] = {};
  std::memcpy(buffer, x + i, rest);
  hn::Store(function(hn::Load(d, buffer)), d, buffer);
  std::memcpy(y + i, buffer, rest);
}

template <typename Function>
void MapBinary(const float* a, const float* b, float* y, int64_t count, const float* parameters) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Function function(parameters);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(function(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, y + i);
  }
  if (i == count) return;
  const size_t rest = static_cast<size_t>(count - i) * sizeof(float);
  HWY_ALIGN float left[hn::MaxLanes(D())] = {};
  HWY_ALIGN float right[hn::MaxLanes(D())] = {};
  std::memcpy(left, a + i, rest);
  std::memcpy(right, b + i, rest);
  hn::Store(function(hn::Load(d, left), hn::Load(d, right)), d, left);
  std::memcpy(y + i, left, rest);
}

// A binary function one operand of which is fixed.
template <typename Function>
struct FixedFirst {
  V a;
  explicit FixedFirst(const float* number) : a(Number(*number)) {}
  HWY_INLINE V operator()(V b) const { return Function(nullptr)(a, b); }
};

template <typename Function>
struct FixedSecond {
  V b;
  explicit FixedSecond(const float* number) : b(Number(*number)) {}
  HWY_INLINE V operator()(V a) const { return Function(nullptr)(a, b); }
};

template <typename Function>
Broadcasting MapBroadcasting() {
  return {MapBinary<Function>,
          [](const float* a, const float* b, float* y, int64_t count, const float*) {
            MapUnary<FixedFirst<Function>>(b, y, count, a);
          },
          [](const float* a, const float* b, float* y, int64_t count, const float*) {
            MapUnary<FixedSecond<Function>>(a, y, count, b);
          }};
}

// ---- Functions

struct Stateless {
  explicit Stateless(const float*) {}
};

// Parameters alpha and beta of the operator.
struct Alpha {
  V alpha;
  explicit Alpha(const float* parameters) : alpha(Number(parameters[0])) {}
};

struct AlphaBeta : Alpha {
  V beta;
  explicit AlphaBeta(const float* parameters) : Alpha(parameters), beta(Number(parameters[1])) {}
};

struct Range {
  V low;
  V high;
  explicit Range(const float* parameters)
      : low(Number(parameters[0])), high(Number(parameters[1])) {}
};

struct Add : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V a, V b) const { return hn::Add(a, b); }
};

struct Subtract : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V a, V b) const { return hn::Sub(a, b); }
};

struct Multiply : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V a, V b) const { return hn::Mul(a, b); }
};

struct Divide : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V a, V b) const { return hn::Div(a, b); }
};

struct Negate : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return hn::Neg(x); }
};

struct Absolute : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return hn::Abs(x); }
};

struct Reciprocal : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return hn::Div(Number(1.0f), x); }
};

struct SquareRoot : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return hn::Sqrt(x); }
};

struct Exponential : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return Exp(x); }
};

// erf(x) = x·P(x²)/Q(x²) within |x| ≤ 3.92, beyond which it rounds to ±1.
struct ErrorFunction : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const {
    constexpr float kNumerator[] = {1.128379146e+00f, 1.904056621e-01f, 5.274864221e-02f,
                                    3.765590141e-03f, 2.848832887e-04f, 2.050107305e-06f};
    constexpr float kDenominator[] = {1.0f,
                                      5.020753655e-01f,
                                      1.141088020e-01f,
                                      1.496916127e-02f,
                                      1.162531270e-03f,
                                      3.809195634e-05f};
    const V square = hn::Mul(x, x);
    const V inside =
        hn::Div(hn::Mul(x, Polynomial(square, kNumerator)), Polynomial(square, kDenominator));
    const V one = Number(1.0f);
    return hn::IfThenElse(hn::Gt(hn::Abs(x), Number(3.92f)), hn::CopySign(one, x), inside);
  }
};

struct Relu : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(D())), x); }
};

struct ReluGradient : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V dy, V y) const {
    return hn::IfThenElseZero(hn::Gt(y, hn::Zero(D())), dy);
  }
};

struct LeakyRelu : Alpha {
  using Alpha::Alpha;
  HWY_INLINE V operator()(V x) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(D())), hn::Mul(alpha, x), x);
  }
};

struct LeakyReluGradient : Alpha {
  using Alpha::Alpha;
  HWY_INLINE V operator()(V dy, V x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(D())), dy, hn::Mul(alpha, dy));
  }
};

HWY_INLINE V Bounded(V x, V low, V high) {
  const V raised = hn::IfThenElse(hn::Lt(x, low), low, x);
  return hn::IfThenElse(hn::Gt(raised, high), high, raised);
}

struct Clip : Range {
  using Range::Range;
  HWY_INLINE V operator()(V x) const { return Bounded(x, low, high); }
};

struct ClipGradient : Range {
  using Range::Range;
  HWY_INLINE V operator()(V dy, V x) const {
    return hn::IfThenElseZero(hn::And(hn::Ge(x, low), hn::Le(x, high)), dy);
  }
};

struct HardSigmoid : AlphaBeta {
  using AlphaBeta::AlphaBeta;
  HWY_INLINE V operator()(V x) const {
    return Bounded(hn::MulAdd(alpha, x, beta), hn::Zero(D()), Number(1.0f));
  }
};

struct HardSigmoidGradient : Alpha {
  using Alpha::Alpha;
  HWY_INLINE V operator()(V dy, V y) const {
    const auto inside = hn::And(hn::Gt(y, hn::Zero(D())), hn::Lt(y, Number(1.0f)));
    return hn::IfThenElseZero(inside, hn::Mul(dy, alpha));
  }
};

HWY_INLINE V HardSwishLine(V x) { return hn::MulAdd(x, Number(1.0f / 6), Number(0.5f)); }

struct HardSwish : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const {
    return hn::Mul(x, Bounded(HardSwishLine(x), hn::Zero(D()), Number(1.0f)));
  }
};

struct HardSwishGradient : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V dy, V x) const {
    const V slope = hn::MulAdd(x, Number(1.0f / 3), Number(0.5f));
    const V rising = hn::IfThenZeroElse(hn::Le(x, Number(-3.0f)), hn::Mul(dy, slope));
    return hn::IfThenElse(hn::Ge(x, Number(3.0f)), dy, rising);
  }
};

struct Sigmoid : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return Logistic(x); }
};

struct SigmoidGradient : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V dy, V y) const {
    return hn::Mul(hn::Mul(dy, y), hn::Sub(Number(1.0f), y));
  }
};

struct HyperbolicTangent : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return Tanh(x); }
};

struct TanhGradient : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V dy, V y) const {
    return hn::Mul(dy, hn::NegMulAdd(y, y, Number(1.0f)));
  }
};

struct Swish : Alpha {
  using Alpha::Alpha;
  HWY_INLINE V operator()(V x) const { return hn::Mul(x, Logistic(hn::Mul(alpha, x))); }
};

struct SwishGradient : Alpha {
  using Alpha::Alpha;
  HWY_INLINE V operator()(V dy, V x) const {
    const V scaled = hn::Mul(alpha, x);
    const LogisticSlope logistic(scaled);
    return hn::Mul(dy, hn::MulAdd(scaled, logistic.slope, logistic.gate));
  }
};

// tanh(ln(1 + eˣ)) = n/(n + 2) with n = eˣ·(eˣ + 2), and 1 − that = 2/(n + 2). Beyond x = 20 the
// first rounds to 1, so x is cut there lest n overflow.
struct MishGate {
  V gate;
  V rest;
  HWY_INLINE explicit MishGate(V x) {
    const V limit = Number(20.0f);
    const V two = Number(2.0f);
    const V e = Exp(hn::IfThenElse(hn::Gt(x, limit), limit, x));
    const V n = hn::Mul(e, hn::Add(e, two));
    gate = hn::Div(n, hn::Add(n, two));
    rest = hn::Div(two, hn::Add(n, two));
  }
};

struct Mish : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return hn::Mul(x, MishGate(x).gate); }
};

struct MishGradient : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V dy, V x) const {
    const MishGate mish(x);
    const V curve = hn::Mul(mish.rest, hn::Add(Number(1.0f), mish.gate));
    return hn::Mul(dy, hn::MulAdd(hn::Mul(x, curve), Logistic(x), mish.gate));
  }
};

// Φ(x) and e^(−x²/2), which share the exponential:
// Φ(−z) = e^(−z²/2)·t·P(t)/2 for z ≥ 0, t = 1/(1 + 0.38·z/√2).
struct Normal {
  V distribution;
  V bell;
  HWY_INLINE explicit Normal(V x) {
    constexpr float kTail[] = {2.144109208e-01f, 2.139200188e-01f,  2.039021616e-01f,
                               1.386655274e-01f, 2.299929843e-01f,  -1.614183275e-01f,
                               3.638298609e-01f, -2.622674600e-01f, 5.896433331e-02f};
    const V one = Number(1.0f);
    bell = ExpNonPositive(hn::Mul(hn::Mul(x, x), Number(-0.5f)));
    const V t = hn::Div(one, hn::MulAdd(hn::Abs(x), Number(0.38f * 0.707106781186547524f), one));
    const V tail = hn::Mul(hn::Mul(t, Polynomial(t, kTail)), hn::Mul(bell, Number(0.5f)));
    distribution = hn::IfThenElse(hn::Lt(x, hn::Zero(D())), tail, hn::Sub(one, tail));
  }
};

struct Gelu : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const { return hn::Mul(x, Normal(x).distribution); }
};

struct GeluGradient : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V dy, V x) const {
    const Normal normal(x);
    const V density = hn::Mul(normal.bell, Number(0.398942280401432678f));
    return hn::Mul(dy, hn::MulAdd(x, density, normal.distribution));
  }
};

// (1 + tanh(u))/2 = σ(2u), 2u = x·(c + c·0.044715·x²), c = 2√(2/π)
constexpr float kGeluSlope = 1.59576912160573071f;
constexpr float kGeluCube = 0.044715f;

HWY_INLINE V GeluTanhArgument(V x, V square) {
  return hn::Mul(x, hn::MulAdd(square, Number(kGeluSlope * kGeluCube), Number(kGeluSlope)));
}

struct GeluTanh : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V x) const {
    return hn::Mul(x, Logistic(GeluTanhArgument(x, hn::Mul(x, x))));
  }
};

// gate + x·gate·(1 − gate)·d(2u)/dx
struct GeluTanhGradient : Stateless {
  using Stateless::Stateless;
  HWY_INLINE V operator()(V dy, V x) const {
    const V square = hn::Mul(x, x);
    const LogisticSlope logistic(GeluTanhArgument(x, square));
    const V inner = hn::MulAdd(square, Number(3 * kGeluSlope * kGeluCube), Number(kGeluSlope));
    return hn::Mul(dy, hn::MulAdd(hn::Mul(x, inner), logistic.slope, logistic.gate));
  }
};

}  // namespace strop::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
