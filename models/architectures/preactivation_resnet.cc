// Pre-activation residual networks for small images (He et al., "Identity mappings in deep residual
// networks", 2016): depth 9·n + 2 of bottlenecks, n in each of three stages; the 1,001-layer one
// has n = 111. Nothing but additions lies on the way through the shortcuts of a stage.

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kWidth = 16;
constexpr int64_t kExpansion = 4;
constexpr int64_t kStages = 3;
constexpr int64_t kClasses = 10;

NetworkValue NormalizedRelu(NetworkBuilder& builder, const std::string& path, int number,
                            const NetworkValue& x) {
  const NetworkValue normal = BatchNormalization(builder, absl::StrCat(path, ".bn", number), x);
  return Activate(builder, absl::StrCat(path, ".relu", number), normal, Activation::kRelu);
}

NetworkValue Square(NetworkBuilder& builder, const std::string& name, const NetworkValue& x,
                    int64_t channels, int64_t kernel, int64_t stride = 1) {
  ConvolutionOptions options;
  options.kernel = kernel;
  options.stride = stride;
  options.padding = kernel / 2;
  return Convolution(builder, name, x, channels, options);
}

// norm, relu, 1×1, norm, relu, 3×3, norm, relu, 1×1, + shortcut. A block that changes the shape
// normalizes before its branches part.
NetworkValue Bottleneck(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                        int64_t channels, int64_t stride) {
  const int64_t outputs = channels * kExpansion;
  const NetworkValue first = NormalizedRelu(builder, path, 1, x);
  NetworkValue y = Square(builder, path + ".conv1", first, channels, 1, stride);
  y = Square(builder, path + ".conv2", NormalizedRelu(builder, path, 2, y), channels, 3);
  y = Square(builder, path + ".conv3", NormalizedRelu(builder, path, 3, y), outputs, 1);
  const bool keeps_shape = stride == 1 && x.channels() == outputs;
  const NetworkValue shortcut =
      keeps_shape ? x : Square(builder, path + ".shortcut", first, outputs, 1, stride);
  return Add(builder, path + ".add", y, shortcut);
}

void BuildPreActivationResNet(NetworkBuilder& builder, int64_t own_depth) {
  builder.set_initialization({.kind = Initialization::kHeNormal, .uses_fan_out = true});
  const int64_t depth = builder.options().depth.value_or(own_depth);
  if (depth < 11 || (depth - 2) % 9 != 0) {
    builder.Fail(absl::StrCat("--depth ", depth,
                              ": expected 9n+2, for example 11, 29, 56, 110 (n=12), 164 or 1001"));
    return;
  }
  const int64_t width = SingleWidth(builder, kWidth);
  NetworkValue x = Square(builder, "conv1", ImageInput(builder, {3, 32, 32}), width, 3);
  for (int64_t stage = 0; stage < kStages; ++stage) {
    for (int64_t block = 0; block < (depth - 2) / 9; ++block) {
      x = Bottleneck(builder, absl::StrCat("layer", stage + 1, ".", block), x, width << stage,
                     stage > 0 && block == 0 ? 2 : 1);
    }
  }
  x = NormalizedRelu(builder, "final", 1, x);
  x = Flatten(builder, "flatten", GlobalAveragePool(builder, "avgpool", x));
  ClassLogits(builder, "fc", x, kClasses);
}

}  // namespace

std::vector<Architecture> PreActivationResNetArchitectures() {
  return {{"preact_resnet",
           "pre-activation ResNet for 3x32x32 of --depth 164 = 9n+2 layers (He et al. 2016)",
           {"input", "classes", "depth", "width"},
           [](NetworkBuilder& builder) { BuildPreActivationResNet(builder, 164); }},
          {"resnet1001",
           "the same of 1,001 layers (He et al. 2016)",
           {"input", "classes", "width"},
           [](NetworkBuilder& builder) { BuildPreActivationResNet(builder, 1001); }}};
}

}  // namespace strop
