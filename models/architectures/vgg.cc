// VGG (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
// recognition", 2014), as torchvision has it; --batch-norm gives vgg…_bn. For other images than
// 224×224 the first full layer takes what the last pooling leaves.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kWidth = 64;
constexpr int64_t kFull = 4096;
constexpr int64_t kClasses = 1000;
constexpr double kDropout = 0.5;

struct VggSize {
  int64_t layers;
  std::vector<int64_t> convolutions;  // of each stage; a pooling follows each
};

std::vector<VggSize> Sizes() {
  return {
      {11, {1, 1, 2, 2, 2}}, {13, {2, 2, 2, 2, 2}}, {16, {2, 2, 3, 3, 3}}, {19, {2, 2, 4, 4, 4}}};
}

// The modules are numbered as in torchvision's nn.Sequential.
NetworkValue Features(NetworkBuilder& builder, const VggSize& size, int64_t width) {
  ConvolutionOptions convolution;
  convolution.padding = 1;
  convolution.has_bias = true;
  auto next = [number = 0]() mutable { return absl::StrCat("features.", number++); };
  NetworkValue x = ImageInput(builder, {3, 224, 224});
  for (size_t stage = 0; stage < size.convolutions.size(); ++stage) {
    const int64_t channels = width << std::min<size_t>(stage, 3);
    for (int64_t i = 0; i < size.convolutions[stage]; ++i) {
      x = Convolution(builder, next(), x, channels, convolution);
      if (builder.options().batch_norm) x = BatchNormalization(builder, next(), x);
      x = Activate(builder, next(), x, Activation::kRelu);
    }
    x = MaxPool(builder, next(), x);
  }
  return x;
}

void BuildVgg(NetworkBuilder& builder, const VggSize& size) {
  builder.set_initialization({.kind = Initialization::kHeNormal, .uses_fan_out = true});
  const int64_t width = SingleWidth(builder, kWidth);
  const double rate = builder.options().dropout.value_or(kDropout);
  NetworkValue x = Flatten(builder, "flatten", Features(builder, size, width));
  const int64_t units = width * kFull / kWidth;
  LinearOptions linear;
  linear.next = Activation::kRelu;
  for (const int64_t number : {0, 3}) {
    const auto module = [number](int64_t i) { return absl::StrCat("classifier.", number + i); };
    x = Linear(builder, module(0), x, units, linear);
    x = Activate(builder, module(1), x, Activation::kRelu);
    x = Dropout(builder, module(2), x, rate);
  }
  ClassLogits(builder, "classifier.6", x, kClasses);
}

}  // namespace

std::vector<Architecture> VggArchitectures() {
  std::vector<Architecture> members;
  for (const VggSize& size : Sizes()) {
    members.push_back(
        {absl::StrCat("vgg", size.layers),
         absl::StrCat("VGG-", size.layers, " for 3x224x224 (Simonyan and Zisserman 2014)"),
         {"input", "classes", "width", "batch-norm", "dropout"},
         [size](NetworkBuilder& builder) { BuildVgg(builder, size); }});
  }
  return members;
}

}  // namespace strop
