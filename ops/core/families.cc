#include "ops/core/families.h"

#include "ops/core/registry.h"
#include "ops/training/tensor_statistics.h"

namespace strop {

absl::Span<const OpFamily* const> OpFamilies() {
  static const OpFamily* const kFamilies[] = {
      &kAccumulation,
      &kActivation,
      &kActivationSmooth,
      &kArithmetic,
      &kBatchNormalization,
      &kCast,
      &kComparison,
      &kConcatSplit,
      &kConvolution,
      &kCrossEntropy,
      &kCumulative,
      &kDropout,
      &kEinsum,
      &kExpand,
      &kExtremum,
      &kFakeQuantize,
      &kGather,
      &kGatherElements,
      &kGemm,
      &kGradientClipping,
      &kGroupNormalization,
      &kGru,
      &kLayerNormalization,
      &kLocalResponseNormalization,
      &kLoss,
      &kLstm,
      &kMatMul,
      &kOneHot,
      &kOptimizer,
      &kPad,
      &kPooling,
      &kPower,
      &kQuantizeLinear,
      &kRanking,
      &kReduce,
      &kReduceGradient,
      &kReshape,
      &kResize,
      &kRnn,
      &kScatter,
      &kShape,
      &kSlice,
      &kSoftmax,
      &kTensorStatistics,
      &kTile,
      &kTranspose,
      &kUnaryMath,
  };
  return kFamilies;
}

}  // namespace strop
