#pragma once

#include "ops/core/op_definition.h"

namespace strop {

// One constant a source file of the same name; families.cc lists them for the registry.
extern const OpFamily kAccumulation;
extern const OpFamily kActivation;
extern const OpFamily kActivationSmooth;
extern const OpFamily kArithmetic;
extern const OpFamily kBatchNormalization;
extern const OpFamily kCast;
extern const OpFamily kComparison;
extern const OpFamily kConcatSplit;
extern const OpFamily kConvolution;
extern const OpFamily kCrossEntropy;
extern const OpFamily kCumulative;
extern const OpFamily kDropout;
extern const OpFamily kEinsum;
extern const OpFamily kExpand;
extern const OpFamily kExtremum;
extern const OpFamily kFakeQuantize;
extern const OpFamily kGather;
extern const OpFamily kGatherElements;
extern const OpFamily kGemm;
extern const OpFamily kGradientClipping;
extern const OpFamily kGroupNormalization;
extern const OpFamily kGru;
extern const OpFamily kLayerNormalization;
extern const OpFamily kLocalResponseNormalization;
extern const OpFamily kLoss;
extern const OpFamily kLstm;
extern const OpFamily kMatMul;
extern const OpFamily kOneHot;
extern const OpFamily kOptimizer;
extern const OpFamily kPad;
extern const OpFamily kPooling;
extern const OpFamily kPower;
extern const OpFamily kQuantizeLinear;
extern const OpFamily kRanking;
extern const OpFamily kReduce;
extern const OpFamily kReduceGradient;
extern const OpFamily kReshape;
extern const OpFamily kResize;
extern const OpFamily kRnn;
extern const OpFamily kScatter;
extern const OpFamily kShape;
extern const OpFamily kSlice;
extern const OpFamily kSoftmax;
extern const OpFamily kTensorStatistics;
extern const OpFamily kTile;
extern const OpFamily kTranspose;
extern const OpFamily kUnaryMath;

}  // namespace strop
