#include "ops/families.h"

#include "ops/registry.h"

namespace strop {

absl::Span<const OpFamily* const> OpFamilies() {
  static const OpFamily* const kFamilies[] = {
      &kActivation,
      &kActivationSmooth,
      &kArithmetic,
      &kCast,
      &kComparison,
      &kConvolution,
      &kCrossEntropy,
      &kExpand,
      &kExtremum,
      &kGemm,
      &kGradientClipping,
      &kLayerNormalization,
      &kLoss,
      &kMatMul,
      &kOptimizer,
      &kPower,
      &kReduce,
      &kReduceGradient,
      &kReshape,
      &kShape,
      &kSoftmax,
      &kUnaryMath,
  };
  return kFamilies;
}

}  // namespace strop
