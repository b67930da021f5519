#include "ops/kernels/simd/vector_functions.h"

// Two vector instruction sets and the scalar fallback keep the build short; processors without
// AVX2 are older than this program's users will have.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/simd/vector_functions.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/kernels/simd/vector_elementwise-inl.h"
#include "ops/kernels/simd/vector_softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace strop::simd::HWY_NAMESPACE {

const VectorFunctions* TargetFunctions() {
  static const VectorFunctions functions = {
      .add = MapBroadcasting<Add>(),
      .subtract = MapBroadcasting<Subtract>(),
      .multiply = MapBroadcasting<Multiply>(),
      .divide = MapBroadcasting<Divide>(),
      .negate = MapUnary<Negate>,
      .absolute = MapUnary<Absolute>,
      .reciprocal = MapUnary<Reciprocal>,
      .square_root = MapUnary<SquareRoot>,
      .exponential = MapUnary<Exponential>,
      .error_function = MapUnary<ErrorFunction>,
      .relu = MapUnary<Relu>,
      .leaky_relu = MapUnary<LeakyRelu>,
      .hard_sigmoid = MapUnary<HardSigmoid>,
      .hard_swish = MapUnary<HardSwish>,
      .clip = MapUnary<Clip>,
      .sigmoid = MapUnary<Sigmoid>,
      .hyperbolic_tangent = MapUnary<HyperbolicTangent>,
      .swish = MapUnary<Swish>,
      .mish = MapUnary<Mish>,
      .gelu = MapUnary<Gelu>,
      .gelu_tanh = MapUnary<GeluTanh>,
      .relu_gradient = MapBinary<ReluGradient>,
      .hard_sigmoid_gradient = MapBinary<HardSigmoidGradient>,
      .sigmoid_gradient = MapBinary<SigmoidGradient>,
      .tanh_gradient = MapBinary<TanhGradient>,
      .leaky_relu_gradient = MapBinary<LeakyReluGradient>,
      .hard_swish_gradient = MapBinary<HardSwishGradient>,
      .clip_gradient = MapBinary<ClipGradient>,
      .swish_gradient = MapBinary<SwishGradient>,
      .mish_gradient = MapBinary<MishGradient>,
      .gelu_gradient = MapBinary<GeluGradient>,
      .gelu_tanh_gradient = MapBinary<GeluTanhGradient>,
      .softmax = SoftmaxLine,
      .log_softmax = LogSoftmaxLine,
      .softmax_gradient = SoftmaxGradientLine,
      .log_softmax_gradient = LogSoftmaxGradientLine,
      .target = hwy::TargetName(HWY_TARGET),
  };
  return &functions;
}

}  // namespace strop::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strop::simd {

HWY_EXPORT(TargetFunctions);

const VectorFunctions& Functions() {
  static const VectorFunctions& functions = *HWY_DYNAMIC_DISPATCH(TargetFunctions)();
  return functions;
}

}  // namespace strop::simd
#endif
