// Residual networks (He et al., "Deep residual learning for image recognition", 2015), as
// torchvision has them: the stride of a bottleneck is in its 3×3 convolution.

#include <array>

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kWidth = 64;
constexpr int64_t kClasses = 1000;
constexpr int64_t kBottleneckExpansion = 4;

struct ResNetSize {
  int64_t layers;
  bool has_bottlenecks;
  std::array<int64_t, 4> blocks;  // of each stage
};

constexpr ResNetSize kSizes[] = {
    {18, false, {2, 2, 2, 2}},  {34, false, {3, 4, 6, 3}},  {50, true, {3, 4, 6, 3}},
    {101, true, {3, 4, 23, 3}}, {152, true, {3, 8, 36, 3}},
};

struct Layer {
  int64_t channels;
  int64_t kernel;
  int64_t stride = 1;
};

NetworkValue Normalized(NetworkBuilder& builder, const std::string& convolution,
                        const std::string& norm, const NetworkValue& x, const Layer& layer) {
  ConvolutionOptions options;
  options.kernel = layer.kernel;
  options.stride = layer.stride;
  options.padding = layer.kernel / 2;
  const NetworkValue y = Convolution(builder, convolution, x, layer.channels, options);
  return BatchNormalization(builder, norm, y);
}

// conv, norm, relu, conv, norm, … + shortcut, relu
NetworkValue Block(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                   const std::vector<Layer>& layers) {
  NetworkValue y = x;
  int64_t stride = 1;
  for (size_t i = 0; i < layers.size(); ++i) {
    const size_t number = i + 1;
    y = Normalized(builder, absl::StrCat(path, ".conv", number), absl::StrCat(path, ".bn", number),
                   y, layers[i]);
    stride *= layers[i].stride;
    if (number == layers.size()) break;
    y = Activate(builder, absl::StrCat(path, ".relu", number), y, Activation::kRelu);
  }
  NetworkValue shortcut = x;
  if (stride != 1 || x.channels() != y.channels()) {
    shortcut = Normalized(builder, path + ".downsample.0", path + ".downsample.1", x,
                          {y.channels(), 1, stride});
  }
  return Activate(builder, path + ".relu", Add(builder, path + ".add", y, shortcut),
                  Activation::kRelu);
}

std::vector<Layer> LayersOf(const ResNetSize& size, int64_t channels, int64_t stride) {
  if (!size.has_bottlenecks) return {{channels, 3, stride}, {channels, 3}};
  return {{channels, 1}, {channels, 3, stride}, {channels * kBottleneckExpansion, 1}};
}

NetworkValue Stem(NetworkBuilder& builder, const NetworkValue& image, int64_t width) {
  const bool is_small = HasSmallStem(builder, image);
  const Layer layer = is_small ? Layer{width, 3} : Layer{width, 7, 2};
  const NetworkValue x = Activate(
      builder, "relu", Normalized(builder, "conv1", "bn1", image, layer), Activation::kRelu);
  return is_small ? x : MaxPool(builder, "maxpool", x, {3, 2, 1});
}

void BuildResNet(NetworkBuilder& builder, const ResNetSize& size) {
  builder.set_initialization({.kind = Initialization::kHeNormal, .uses_fan_out = true});
  const int64_t width = SingleWidth(builder, kWidth);
  NetworkValue x = Stem(builder, ImageInput(builder, {3, 224, 224}), width);
  for (size_t stage = 0; stage < size.blocks.size(); ++stage) {
    for (int64_t block = 0; block < size.blocks[stage]; ++block) {
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      x = Block(builder, absl::StrCat("layer", stage + 1, ".", block), x,
                LayersOf(size, width << stage, stride));
    }
  }
  x = Flatten(builder, "flatten", GlobalAveragePool(builder, "avgpool", x));
  x = Dropout(builder, "dropout", x, builder.options().dropout.value_or(0));
  ClassLogits(builder, "fc", x, kClasses);
}

}  // namespace

std::vector<Architecture> ResNetArchitectures() {
  std::vector<Architecture> members;
  for (const ResNetSize& size : kSizes) {
    members.push_back({absl::StrCat("resnet", size.layers),
                       absl::StrCat("ResNet-", size.layers, " for 3x224x224 (He et al. 2015)"),
                       {"input", "classes", "width", "stem", "dropout"},
                       [size](NetworkBuilder& builder) { BuildResNet(builder, size); }});
  }
  return members;
}

}  // namespace strop
