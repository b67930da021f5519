// MobileNetV2 (Sandler et al., "Inverted residuals and linear bottlenecks", 2018), as torchvision
// has it.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kStemChannels = 32;
constexpr int64_t kLastChannels = 1280;
constexpr int64_t kClasses = 1000;
constexpr double kDropout = 0.2;

struct Stage {
  int64_t expansion;
  int64_t channels;
  int64_t repeats;
  int64_t stride;
};

constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

struct Layer {
  int64_t channels;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
};

// Convolution "<path>.0", normalization "<path>.1", ReLU6 "<path>.2".
NetworkValue ConvolutionNormRelu6(NetworkBuilder& builder, const std::string& path,
                                  const NetworkValue& x, const Layer& layer) {
  ConvolutionOptions options;
  options.kernel = layer.kernel;
  options.stride = layer.stride;
  options.padding = layer.kernel / 2;
  options.groups = layer.groups;
  const NetworkValue y = Convolution(builder, path + ".0", x, layer.channels, options);
  return Activate(builder, path + ".2", BatchNormalization(builder, path + ".1", y),
                  Activation::kRelu6);
}

// Expand, convolve each channel, project without an activation.
NetworkValue InvertedResidual(NetworkBuilder& builder, const std::string& path,
                              const NetworkValue& x, const Stage& stage, int64_t stride) {
  const int64_t hidden = x.channels() * stage.expansion;
  int64_t module = 0;
  const auto next = [&] { return absl::StrCat(path, ".conv.", module++); };
  NetworkValue y = x;
  if (stage.expansion > 1) y = ConvolutionNormRelu6(builder, next(), y, {hidden});
  y = ConvolutionNormRelu6(builder, next(), y, {hidden, 3, stride, hidden});
  ConvolutionOptions projection;
  projection.kernel = 1;
  projection.next = Activation::kIdentity;
  y = Convolution(builder, next(), y, stage.channels, projection);
  y = BatchNormalization(builder, next(), y);
  const bool is_residual = stride == 1 && x.channels() == stage.channels;
  return is_residual ? Add(builder, path + ".add", x, y) : y;
}

void BuildMobileNetV2(NetworkBuilder& builder) {
  builder.set_initialization({.kind = Initialization::kHeNormal, .uses_fan_out = true});
  const double multiplier = builder.options().width_multiplier;
  const auto scaled = [&](int64_t channels) {
    return RoundedChannels(static_cast<double>(channels) * multiplier);
  };
  const NetworkValue image = ImageInput(builder, {3, 224, 224});
  const int64_t stem_stride = HasSmallStem(builder, image) ? 1 : 2;
  int64_t module = 0;
  const auto next = [&] { return absl::StrCat("features.", module++); };
  NetworkValue x =
      ConvolutionNormRelu6(builder, next(), image, {scaled(kStemChannels), 3, stem_stride});
  for (Stage stage : kStages) {
    stage.channels = scaled(stage.channels);
    for (int64_t i = 0; i < stage.repeats; ++i) {
      x = InvertedResidual(builder, next(), x, stage, i == 0 ? stage.stride : 1);
    }
  }
  // The last convolution does not shrink with the others.
  const int64_t last =
      RoundedChannels(static_cast<double>(kLastChannels) * std::max(1.0, multiplier));
  x = ConvolutionNormRelu6(builder, next(), x, {last});
  x = Flatten(builder, "flatten", GlobalAveragePool(builder, "avgpool", x));
  x = Dropout(builder, "classifier.0", x, builder.options().dropout.value_or(kDropout));
  ClassLogits(builder, "classifier.1", x, kClasses);
}

}  // namespace

std::vector<Architecture> MobileNetV2Architectures() {
  return {{"mobilenet_v2",
           "MobileNetV2 for 3x224x224 (Sandler et al. 2018)",
           {"input", "classes", "width-multiplier", "stem", "dropout"},
           BuildMobileNetV2}};
}

}  // namespace strop
