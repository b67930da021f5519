// BERT (Devlin et al., "BERT: pre-training of deep bidirectional transformers for language
// understanding", 2018): layers normalized behind their residuals, a pooler on the first token, and
// the classes. Its own size is BERT-base; --width 1024 --depth 24 --heads 16 is BERT-large.

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/architectures/transformer.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kVocabulary = 30522;
constexpr int64_t kPositions = 512;
constexpr int64_t kSegments = 2;
constexpr int64_t kClasses = 2;
constexpr float kEpsilon = 1e-12f;
constexpr double kDeviation = 0.02;

NetworkValue TokenInput(NetworkBuilder& builder, const std::string& name) {
  return builder.Input(name, onnx::TensorProto::INT64, {kUnknownDimension, kUnknownDimension},
                       {"batch", "sequence"});
}

// Where attention_mask [N, T] is 0, as [N, 1, 1, T].
NetworkValue Hidden(NetworkBuilder& builder, const NetworkValue& attention_mask) {
  const NetworkValue is_zero = builder.Node(
      "mask/Equal", "Equal", {attention_mask, builder.IntegerScalar(0)}, attention_mask.shape);
  return builder.Node("mask", "Unsqueeze", {is_zero, builder.Integers({1, 2})},
                      {kUnknownDimension, 1, 1, kUnknownDimension});
}

NetworkValue Embeddings(NetworkBuilder& builder, const NetworkValue& input_ids,
                        const NetworkValue& token_type_ids, const TransformerSize& size) {
  const NetworkOptions& options = builder.options();
  const auto embed = [&](const std::string& name, const NetworkValue& ids, int64_t rows) {
    return Embedding(builder, absl::StrCat("embeddings.", name, "_embeddings"), ids, rows,
                     size.width, kDeviation);
  };
  const NetworkValue words = embed("word", input_ids, options.vocabulary.value_or(kVocabulary));
  const NetworkValue positions =
      embed("position", Places(builder, input_ids), options.positions.value_or(kPositions));
  const NetworkValue segments = embed("token_type", token_type_ids, kSegments);
  NetworkValue x = Add(builder, "embeddings/segments", words, segments);
  x = Add(builder, "embeddings/positions", x, positions);
  x = LayerNormalization(builder, "embeddings.LayerNorm", x, kEpsilon);
  return Dropout(builder, "embeddings.dropout", x, size.dropout);
}

NetworkValue Layer(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                   const NetworkValue& mask, const TransformerSize& size) {
  const auto project = [&](const std::string& name) {
    return Linear(builder, absl::StrCat(path, ".attention.self.", name), x, size.width);
  };
  NetworkValue y = Attention(builder, path + ".attention.self",
                             {project("query"), project("key"), project("value"), mask}, size);
  y = Linear(builder, path + ".attention.output.dense", y, size.width);
  y = Dropout(builder, path + ".attention.output.dropout", y, size.dropout);
  y = LayerNormalization(builder, path + ".attention.output.LayerNorm",
                         Add(builder, path + ".attention.output.add", y, x), kEpsilon);
  LinearOptions wide;
  wide.next = Activation::kGelu;
  NetworkValue z = Linear(builder, path + ".intermediate.dense", y, size.hidden, wide);
  z = Activate(builder, path + ".intermediate.activation", z, Activation::kGelu);
  z = Linear(builder, path + ".output.dense", z, size.width);
  z = Dropout(builder, path + ".output.dropout", z, size.dropout);
  return LayerNormalization(builder, path + ".output.LayerNorm",
                            Add(builder, path + ".output.add", z, y), kEpsilon);
}

void BuildBert(NetworkBuilder& builder) {
  builder.set_initialization({.kind = Initialization::kNormal});
  TransformerSize own;
  own.dropout = 0.1;
  const TransformerSize size = SizeOf(builder, own);
  const NetworkValue input_ids = TokenInput(builder, "input_ids");
  const NetworkValue mask = Hidden(builder, TokenInput(builder, "attention_mask"));
  NetworkValue x = Embeddings(builder, input_ids, TokenInput(builder, "token_type_ids"), size);
  for (int64_t layer = 0; layer < size.layers; ++layer) {
    x = Layer(builder, absl::StrCat("encoder.layer.", layer), x, mask, size);
  }
  x = builder.Node("first_token", "Gather", {x, builder.IntegerScalar(0)},
                   {kUnknownDimension, size.width}, {{"axis", 1}});
  LinearOptions pooler;
  pooler.next = Activation::kTanh;
  x = Activate(builder, "pooler.activation", Linear(builder, "pooler.dense", x, size.width, pooler),
               Activation::kTanh);
  x = Dropout(builder, "dropout", x, size.dropout);
  ClassLogits(builder, "classifier", x, kClasses);
}

}  // namespace

std::vector<Architecture> BertArchitectures() {
  return {{"bert",
           "BERT-base classifier of tokens (Devlin et al. 2018)",
           {"classes", "vocabulary", "positions", "depth", "width", "heads", "hidden", "dropout"},
           BuildBert}};
}

}  // namespace strop
