#include "models/architectures/transformer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "models/architectures/classifier.h"

namespace strop {
namespace {

// What the softmax forgets; finite, so that a row without anything to look at has no NaN.
constexpr float kForgotten = -1e9f;

// [N, T, width] to [N, heads, T, d], or [N, heads, d, T] for the keys.
NetworkValue SplitHeads(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                        const TransformerSize& size, bool is_key) {
  const int64_t depth = size.width / size.heads;
  const NetworkValue parts = Reshape(builder, name + "/Reshape", x, {0, 0, size.heads, depth},
                                     {x.shape[0], x.shape[1], size.heads, depth});
  return Transpose(builder, name, parts,
                   is_key ? std::vector<int64_t>{0, 2, 3, 1} : std::vector<int64_t>{0, 2, 1, 3});
}

}  // namespace

TransformerSize SizeOf(NetworkBuilder& builder, const TransformerSize& own) {
  const NetworkOptions& options = builder.options();
  TransformerSize size;
  size.layers = options.depth.value_or(own.layers);
  size.width = SingleWidth(builder, own.width);
  size.heads = options.heads.value_or(own.heads);
  size.hidden = options.hidden.value_or(4 * size.width);
  size.dropout = options.dropout.value_or(own.dropout);
  if (size.width % size.heads != 0) {
    builder.Fail(absl::StrCat("--width ", size.width, " and --heads ", size.heads,
                              ": expected heads that divide the width"));
    size.heads = 1;
  }
  return size;
}

NetworkValue Attention(NetworkBuilder& builder, const std::string& path,
                       const AttentionInputs& inputs, const TransformerSize& size) {
  const NetworkValue query = SplitHeads(builder, path + ".queries", inputs.query, size, false);
  const NetworkValue key = SplitHeads(builder, path + ".keys", inputs.key, size, true);
  const NetworkValue value = SplitHeads(builder, path + ".values", inputs.value, size, false);
  const double root = std::sqrt(static_cast<double>(size.width / size.heads));
  const Shape square = {query.shape[0], size.heads, query.shape[2], query.shape[2]};
  const NetworkValue product =
      builder.Node(path + ".scores/MatMul", "MatMul", {query, key}, square);
  NetworkValue scores = builder.Node(
      path + ".scores", "Div", {product, builder.FloatScalar(static_cast<float>(root))}, square);
  if (!inputs.mask.name.empty()) {
    scores = builder.Node(path + ".masked", "Where",
                          {inputs.mask, builder.FloatScalar(kForgotten), scores}, square);
  }
  NetworkValue weights =
      builder.Node(path + ".weights", "Softmax", {scores}, square, {{"axis", -1}});
  weights = Dropout(builder, path + ".dropout", weights, size.dropout);
  const NetworkValue mixed =
      builder.Node(path + ".context", "MatMul", {weights, value}, query.shape);
  const NetworkValue merged = Transpose(builder, path + ".merged", mixed, {0, 2, 1, 3});
  return Reshape(builder, path, merged, {0, 0, size.width}, inputs.query.shape);
}

NetworkValue Places(NetworkBuilder& builder, const NetworkValue& ids) {
  const NetworkValue shape = builder.Node("places/Shape", "Shape", {ids}, {2});
  const NetworkValue length =
      builder.Node("places/Gather", "Gather", {shape, builder.IntegerScalar(1)}, {}, {{"axis", 0}});
  return builder.Node("places", "Range",
                      {builder.IntegerScalar(0), length, builder.IntegerScalar(1)},
                      {kUnknownDimension});
}

}  // namespace strop
