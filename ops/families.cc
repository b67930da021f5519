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
      &kCumulative,
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
      &kPad,
      &kPower,
      &kReduce,
      &kReduceGradient,
      &kReshape,
      &kRnn,
      &kShape,
      &kSlice,
      &kSoftmax,
      &kTile,
      &kTranspose,
      &kUnaryMath,
  };
  return kFamilies;
}

}  // namespace strop
