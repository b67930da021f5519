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
      &kConcatSplit,
      &kConvolution,
      &kCrossEntropy,
      &kDropout,
      &kExpand,
      &kExtremum,
      &kGemm,
      &kGradientClipping,
      &kGru,
      &kLayerNormalization,
      &kLoss,
      &kLstm,
      &kMatMul,
      &kOptimizer,
      &kPower,
      &kReduce,
      &kReduceGradient,
      &kReshape,
      &kRnn,
      &kShape,
      &kSoftmax,
      &kTranspose,
      &kUnaryMath,
  };
  return kFamilies;
}

}  // namespace strop
