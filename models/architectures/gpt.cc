// GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019): layers that
// see the tokens before only, normalized before their branches, and the table of tokens again as
// the head. Its own size is the smallest of the four; --width 1024 --depth 24 --heads 16 is the
// next.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/architectures/transformer.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kVocabulary = 50257;
constexpr int64_t kPositions = 1024;
constexpr float kEpsilon = 1e-5f;
constexpr double kDeviation = 0.02;

// [1, 1, T, T]: the keys that come after the query.
NetworkValue Future(NetworkBuilder& builder, const NetworkValue& places) {
  const NetworkValue rows = builder.Node("future/rows", "Unsqueeze",
                                         {places, builder.Integers({1})}, {kUnknownDimension, 1});
  const NetworkValue square = builder.Node("future/Greater", "Greater", {places, rows},
                                           {kUnknownDimension, kUnknownDimension});
  return builder.Node("future", "Unsqueeze", {square, builder.Integers({0, 1})},
                      {1, 1, kUnknownDimension, kUnknownDimension});
}

// Q, K and V of one projection.
AttentionInputs Split(NetworkBuilder& builder, const std::string& path, const NetworkValue& packed,
                      const NetworkValue& mask, int64_t width) {
  const Shape shape = {packed.shape[0], packed.shape[1], width};
  const std::vector<NetworkValue> parts = builder.NodeOutputs(
      path + ".split", "Split", {packed, builder.Integers({width, width, width})},
      {shape, shape, shape}, {{"axis", -1}});
  return {parts[0], parts[1], parts[2], mask};
}

NetworkValue Layer(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                   const NetworkValue& mask, const TransformerSize& size) {
  // The paper scales what is added to the stream, by the number of additions.
  LinearOptions residual;
  if (!builder.options().initialization.has_value()) {
    const double additions = 2 * static_cast<double>(size.layers);
    residual.first_weight = {Distribution::kNormal, kDeviation / std::sqrt(additions)};
  }
  NetworkValue y = LayerNormalization(builder, path + ".ln_1", x, kEpsilon);
  y = Linear(builder, path + ".attn.c_attn", y, 3 * size.width);
  y = Attention(builder, path + ".attn", Split(builder, path + ".attn", y, mask, size.width), size);
  y = Linear(builder, path + ".attn.c_proj", y, size.width, residual);
  y = Dropout(builder, path + ".attn.resid_dropout", y, size.dropout);
  const NetworkValue stream = Add(builder, path + ".attn.add", x, y);
  LinearOptions wide;
  wide.next = Activation::kGeluTanh;
  NetworkValue z = LayerNormalization(builder, path + ".ln_2", stream, kEpsilon);
  z = Linear(builder, path + ".mlp.c_fc", z, size.hidden, wide);
  z = Activate(builder, path + ".mlp.act", z, Activation::kGeluTanh);
  z = Linear(builder, path + ".mlp.c_proj", z, size.width, residual);
  z = Dropout(builder, path + ".mlp.dropout", z, size.dropout);
  return Add(builder, path + ".mlp.add", stream, z);
}

void BuildGpt(NetworkBuilder& builder) {
  builder.set_initialization({.kind = Initialization::kNormal});
  const NetworkOptions& options = builder.options();
  TransformerSize own;
  own.dropout = 0.1;
  const TransformerSize size = SizeOf(builder, own);
  const int64_t vocabulary = options.vocabulary.value_or(kVocabulary);
  const NetworkValue ids =
      builder.Input("input_ids", onnx::TensorProto::INT64, {kUnknownDimension, kUnknownDimension},
                    {"batch", "sequence"});
  const NetworkValue places = Places(builder, ids);
  const NetworkValue words =
      Embedding(builder, "transformer.wte", ids, vocabulary, size.width, kDeviation);
  const NetworkValue positions =
      Embedding(builder, "transformer.wpe", places, options.positions.value_or(kPositions),
                size.width, kDeviation);
  NetworkValue x = Add(builder, "transformer/embeddings", words, positions);
  x = Dropout(builder, "transformer.drop", x, size.dropout);
  const NetworkValue mask = Future(builder, places);
  for (int64_t layer = 0; layer < size.layers; ++layer) {
    x = Layer(builder, absl::StrCat("transformer.h.", layer), x, mask, size);
  }
  x = LayerNormalization(builder, "transformer.ln_f", x, kEpsilon);
  const NetworkValue table = Transpose(
      builder, "lm_head/Transpose", {"transformer.wte.weight", {vocabulary, size.width}}, {1, 0});
  builder.Output(builder.Node("lm_head", "MatMul", {x, table},
                              {kUnknownDimension, kUnknownDimension, vocabulary}),
                 "logits", {"batch", "sequence"});
}

}  // namespace

std::vector<Architecture> GptArchitectures() {
  return {{"gpt",
           "GPT-2, 124M: logits of the next token (Radford et al. 2019)",
           {"vocabulary", "positions", "depth", "width", "heads", "hidden", "dropout"},
           BuildGpt}};
}

}  // namespace strop
