// Vision transformer (Dosovitskiy et al., "An image is worth 16x16 words", 2020), as torchvision
// has it. Its own size is ViT-B/16; --patch 32 is B/32, --width 1024 --depth 24 --heads 16 is L.

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/architectures/transformer.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kPatch = 16;
constexpr int64_t kClasses = 1000;
constexpr float kEpsilon = 1e-6f;
constexpr double kDeviation = 0.02;

// [N, 1, width]: the learned token once a sample.
NetworkValue ClassTokens(NetworkBuilder& builder, const NetworkValue& image, int64_t width) {
  const NetworkValue token =
      builder.Parameter("class_token", {1, 1, width}, {Distribution::kConstant, 0});
  const NetworkValue shape = builder.Node("class_token/Shape", "Shape", {image}, {4});
  const NetworkValue batch = builder.Node("class_token/Gather", "Gather",
                                          {shape, builder.Integers({0})}, {1}, {{"axis", 0}});
  const NetworkValue request =
      Concatenate(builder, "class_token/Concat", {batch, builder.Integers({1, width})}, 0);
  return builder.Node("class_token/Expand", "Expand", {token, request},
                      {kUnknownDimension, 1, width});
}

// [N, C, H, W] to [N, patches, width].
NetworkValue Patches(NetworkBuilder& builder, const NetworkValue& image, int64_t width) {
  ConvolutionOptions convolution;
  convolution.kernel = builder.options().patch.value_or(kPatch);
  convolution.stride = convolution.kernel;
  convolution.has_bias = true;
  convolution.next = Activation::kIdentity;
  if (image.shape[2] % convolution.kernel != 0 || image.shape[3] % convolution.kernel != 0) {
    builder.Fail(absl::StrCat("patches of ", convolution.kernel, " do not cover an image of ",
                              image.shape[2], "x", image.shape[3],
                              "; choose a --patch that divides both"));
  }
  const NetworkValue maps = Convolution(builder, "conv_proj", image, width, convolution);
  const int64_t count = maps.shape[2] * maps.shape[3];
  const NetworkValue rows =
      Reshape(builder, "patches/Reshape", maps, {0, width, count}, {maps.shape[0], width, count});
  return Transpose(builder, "patches", rows, {0, 2, 1});
}

NetworkValue Layer(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                   const TransformerSize& size) {
  NetworkValue y = LayerNormalization(builder, path + ".ln_1", x, kEpsilon);
  const Shape shape = y.shape;
  const std::string attention = path + ".self_attention";
  const NetworkValue packed = Linear(builder, attention + ".in_proj", y, 3 * size.width);
  const std::vector<NetworkValue> parts =
      builder.NodeOutputs(attention + ".split", "Split",
                          {packed, builder.Integers({size.width, size.width, size.width})},
                          {shape, shape, shape}, {{"axis", -1}});
  y = Attention(builder, attention, {parts[0], parts[1], parts[2], {}}, size);
  y = Linear(builder, attention + ".out_proj", y, size.width);
  y = Dropout(builder, path + ".dropout", y, size.dropout);
  const NetworkValue stream = Add(builder, path + ".add_1", x, y);
  LinearOptions wide;
  wide.next = Activation::kGelu;
  NetworkValue z = LayerNormalization(builder, path + ".ln_2", stream, kEpsilon);
  z = Linear(builder, path + ".mlp.0", z, size.hidden, wide);
  z = Activate(builder, path + ".mlp.1", z, Activation::kGelu);
  z = Dropout(builder, path + ".mlp.2", z, size.dropout);
  z = Linear(builder, path + ".mlp.3", z, size.width);
  z = Dropout(builder, path + ".mlp.4", z, size.dropout);
  return Add(builder, path + ".add_2", stream, z);
}

void BuildVisionTransformer(NetworkBuilder& builder) {
  builder.set_initialization({.kind = Initialization::kXavierUniform});
  const TransformerSize size = SizeOf(builder, TransformerSize());
  const NetworkValue image = ImageInput(builder, {3, 224, 224});
  NetworkValue x = Concatenate(
      builder, "tokens",
      {ClassTokens(builder, image, size.width), Patches(builder, image, size.width)}, 1);
  const NetworkValue positions = builder.Parameter(
      "encoder.pos_embedding", {1, x.shape[1], size.width}, {Distribution::kNormal, kDeviation});
  x = Add(builder, "encoder/positions", x, positions);
  x = Dropout(builder, "encoder.dropout", x, size.dropout);
  for (int64_t layer = 0; layer < size.layers; ++layer) {
    x = Layer(builder, absl::StrCat("encoder.layers.encoder_layer_", layer), x, size);
  }
  x = LayerNormalization(builder, "encoder.ln", x, kEpsilon);
  x = builder.Node("first_token", "Gather", {x, builder.IntegerScalar(0)},
                   {kUnknownDimension, size.width}, {{"axis", 1}});
  ClassLogits(builder, "heads.head", x, kClasses);
}

}  // namespace

std::vector<Architecture> VisionTransformerArchitectures() {
  return {{"vit",
           "ViT-B/16 for 3x224x224 (Dosovitskiy et al. 2020)",
           {"input", "classes", "patch", "depth", "width", "heads", "hidden", "dropout"},
           BuildVisionTransformer}};
}

}  // namespace strop
