#pragma once

#include <cstdint>
#include <string>

#include "models/builder/layers.h"

namespace strop {

// The parts that BERT, GPT and ViT share (Vaswani et al., "Attention is all you need", 2017).

struct TransformerSize {
  int64_t layers = 12;
  int64_t width = 768;
  int64_t heads = 12;
  int64_t hidden = 3072;  // of the perceptrons
  double dropout = 0;
};

// As typed, else `own`; the perceptrons are four times as wide unless --hidden says otherwise.
// Fails when the heads do not divide the width.
TransformerSize SizeOf(NetworkBuilder& builder, const TransformerSize& own);

// softmax(Q·Kᵀ/√d)·V of every head. Q, K, V are [N, T, width], so is the result. `mask` says where
// not to look, true or false by [1 or N, 1, 1 or T, T]; an empty name: look everywhere.
struct AttentionInputs {
  NetworkValue query;
  NetworkValue key;
  NetworkValue value;
  NetworkValue mask;
};
NetworkValue Attention(NetworkBuilder& builder, const std::string& path,
                       const AttentionInputs& inputs, const TransformerSize& size);

// Places 0 … T-1 [T] of ids [N, T].
NetworkValue Places(NetworkBuilder& builder, const NetworkValue& ids);

}  // namespace strop
