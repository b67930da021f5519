// The exponential and what is built from it, on vectors of float. Included once a target.

#if defined(STROP_VECTOR_EXPONENTIAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STROP_VECTOR_EXPONENTIAL_INL
#undef STROP_VECTOR_EXPONENTIAL_INL
#else
#define STROP_VECTOR_EXPONENTIAL_INL
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace strop::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE V Number(float number) { return hn::Set(D(), number); }

// c[0] + c[1]·x + … + c[n−1]·x^(n−1)
template <size_t n>
HWY_INLINE V Polynomial(V x, const float (&c)[n]) {
  V sum = Number(c[n - 1]);
  for (size_t i = n - 1; i-- > 0;) sum = hn::MulAdd(sum, x, Number(c[i]));
  return sum;
}

// eˣ = 2^power·(1 + rest), with whole power and |rest| < √2 − 1 to the last place.
struct SplitExponential {
  V power;
  V rest;
};

HWY_INLINE SplitExponential SplitExp(V x) {
  // Minimax for (e^r − 1 − r)/r², |r| ≤ ln2/2.
  constexpr float kSeries[] = {4.999999815e-01f, 1.666654362e-01f, 4.166719988e-02f,
                               8.366520862e-03f, 1.388252090e-03f};
  const V power = hn::Round(hn::Mul(x, Number(1.44269504088896341f)));
  // ln2 in two parts: the first has 15 bits, so that its product with a power is exact.
  V r = hn::NegMulAdd(power, Number(0.693145751953125f), x);
  r = hn::NegMulAdd(power, Number(1.428606820309417e-6f), r);
  return {power, hn::MulAdd(Polynomial(r, kSeries), hn::Mul(r, r), r)};
}

// 2^power for whole powers in [−126, 127].
HWY_INLINE V PowerOfTwo(V power) {
  const hn::Rebind<int32_t, D> di;
  const auto biased = hn::Add(hn::ConvertTo(di, power), hn::Set(di, 127));
  return hn::BitCast(D(), hn::ShiftLeft<23>(biased));
}

constexpr float kLeastExponent = -87.0f;  // e to this is the last normal float but a little

// eˣ for x ≤ 0; zero below kLeastExponent.
HWY_INLINE V ExpNonPositive(V x) {
  const SplitExponential split = SplitExp(x);
  const V scale = PowerOfTwo(split.power);
  return hn::IfThenZeroElse(hn::Lt(x, Number(kLeastExponent)),
                            hn::MulAdd(scale, split.rest, scale));
}

// eˣ − 1 for x ≤ 0.
HWY_INLINE V Expm1NonPositive(V x) {
  const SplitExponential split = SplitExp(x);
  const V scale = PowerOfTwo(split.power);
  return hn::IfThenElse(hn::Lt(x, Number(kLeastExponent)), Number(-1.0f),
                        hn::MulAdd(scale, split.rest, hn::Sub(scale, Number(1.0f))));
}

// eˣ, subnormal results included.
HWY_INLINE V Exp(V x) {
  const V low = Number(-104.0f);
  const V high = Number(89.0f);
  V inside = hn::IfThenElse(hn::Lt(x, low), low, x);
  inside = hn::IfThenElse(hn::Gt(inside, high), high, inside);
  const SplitExponential split = SplitExp(inside);
  const V half = hn::Floor(hn::Mul(split.power, Number(0.5f)));  // each half fits the exponent
  const V scale = PowerOfTwo(half);
  return hn::Mul(hn::MulAdd(scale, split.rest, scale), PowerOfTwo(hn::Sub(split.power, half)));
}

// 1/(1 + e^−x)
HWY_INLINE V Logistic(V x) {
  const V one = Number(1.0f);
  const V small = ExpNonPositive(hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(D())), small, one), hn::Add(one, small));
}

// gate = σ(x) and slope = gate·(1 − gate), which taken literally would cancel for large x.
struct LogisticSlope {
  V gate;
  V slope;
  HWY_INLINE explicit LogisticSlope(V x) {
    const V one = Number(1.0f);
    const V small = ExpNonPositive(hn::Neg(hn::Abs(x)));
    const V larger = hn::Div(one, hn::Add(one, small));
    const V smaller = hn::Mul(small, larger);
    gate = hn::IfThenElse(hn::Lt(x, hn::Zero(D())), smaller, larger);
    slope = hn::Mul(smaller, larger);
  }
};

// tanh|x| = −m/(2 + m), m = e^(−2|x|) − 1
HWY_INLINE V Tanh(V x) {
  const V m = Expm1NonPositive(hn::Mul(Number(-2.0f), hn::Abs(x)));
  return hn::CopySign(hn::Div(m, hn::Add(Number(2.0f), m)), x);
}

}  // namespace strop::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
