// DenseNet-BC (Huang et al., "Densely connected convolutional networks", 2016), as torchvision has
// it: every layer sees the outputs of all before it in its block.

#include <array>

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kGrowthRate = 32;
constexpr int64_t kBottleneck = 4;  // channels between a layer's two convolutions, in growth rates
constexpr int64_t kClasses = 1000;

struct DenseNetSize {
  int64_t layers;
  std::array<int64_t, 4> blocks;  // dense layers of each
};

constexpr DenseNetSize kSizes[] = {
    {121, {6, 12, 24, 16}}, {169, {6, 12, 32, 32}}, {201, {6, 12, 48, 32}}};

NetworkValue NormalizedRelu(NetworkBuilder& builder, const std::string& path,
                            const std::string& number, const NetworkValue& x) {
  const NetworkValue normal = BatchNormalization(builder, path + "norm" + number, x);
  return Activate(builder, path + "relu" + number, normal, Activation::kRelu);
}

NetworkValue DenseLayer(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                        int64_t growth) {
  ConvolutionOptions convolution;
  convolution.kernel = 1;
  NetworkValue y = NormalizedRelu(builder, path + ".", "1", x);
  y = Convolution(builder, path + ".conv1", y, kBottleneck * growth, convolution);
  convolution.kernel = 3;
  convolution.padding = 1;
  y = NormalizedRelu(builder, path + ".", "2", y);
  y = Convolution(builder, path + ".conv2", y, growth, convolution);
  y = Dropout(builder, path + ".dropout", y, builder.options().dropout.value_or(0));
  return Concatenate(builder, path, {x, y}, 1);
}

NetworkValue Transition(NetworkBuilder& builder, const std::string& path, const NetworkValue& x) {
  ConvolutionOptions convolution;
  convolution.kernel = 1;
  const NetworkValue y =
      Convolution(builder, path + ".conv", NormalizedRelu(builder, path + ".", "", x),
                  x.channels() / 2, convolution);
  return AveragePool(builder, path + ".pool", y);
}

NetworkValue Stem(NetworkBuilder& builder, int64_t channels) {
  const NetworkValue image = ImageInput(builder, {3, 224, 224});
  const bool is_small = HasSmallStem(builder, image);
  ConvolutionOptions convolution;
  convolution.kernel = is_small ? 3 : 7;
  convolution.stride = is_small ? 1 : 2;
  convolution.padding = convolution.kernel / 2;
  NetworkValue x = Convolution(builder, "features.conv0", image, channels, convolution);
  x = NormalizedRelu(builder, "features.", "0", x);
  return is_small ? x : MaxPool(builder, "features.pool0", x, {3, 2, 1});
}

void BuildDenseNet(NetworkBuilder& builder, const DenseNetSize& size) {
  const int64_t growth = builder.options().growth_rate.value_or(kGrowthRate);
  NetworkValue x = Stem(builder, 2 * growth);
  for (size_t block = 0; block < size.blocks.size(); ++block) {
    if (block > 0) {
      x = Transition(builder, absl::StrCat("features.transition", block), x);
    }
    const std::string path = absl::StrCat("features.denseblock", block + 1);
    for (int64_t layer = 0; layer < size.blocks[block]; ++layer) {
      x = DenseLayer(builder, absl::StrCat(path, ".denselayer", layer + 1), x, growth);
    }
  }
  x = NormalizedRelu(builder, "features.", "5", x);
  x = Flatten(builder, "flatten", GlobalAveragePool(builder, "avgpool", x));
  ClassLogits(builder, "classifier", x, kClasses);
}

}  // namespace

std::vector<Architecture> DenseNetArchitectures() {
  std::vector<Architecture> members;
  for (const DenseNetSize& size : kSizes) {
    members.push_back({absl::StrCat("densenet", size.layers),
                       absl::StrCat("DenseNet-", size.layers,
                                    " for 3x224x224, --growth-rate 32 (Huang et al. 2016)"),
                       {"input", "classes", "growth-rate", "stem", "dropout"},
                       [size](NetworkBuilder& builder) { BuildDenseNet(builder, size); }});
  }
  return members;
}

}  // namespace strop
