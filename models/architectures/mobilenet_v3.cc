// MobileNetV3 (Howard et al., "Searching for MobileNetV3", 2019), as torchvision has it.

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kStemChannels = 16;
constexpr int64_t kClasses = 1000;
constexpr double kDropout = 0.2;
constexpr BatchNormalizationOptions kNorm = {.epsilon = 1e-3f, .momentum = 0.01f};

struct Row {
  int64_t kernel;
  int64_t expanded;
  int64_t channels;
  bool has_squeeze;
  Activation activation;
  int64_t stride;
};

constexpr Activation kRe = Activation::kRelu;
constexpr Activation kHs = Activation::kHardSwish;

struct MobileNetV3Size {
  std::string name;
  std::vector<Row> rows;  // tables 1 and 2 of the paper
  int64_t last;           // units of the layer before the classifier
};

std::vector<MobileNetV3Size> Sizes() {
  return {{"small",
           {{3, 16, 16, true, kRe, 2},
            {3, 72, 24, false, kRe, 2},
            {3, 88, 24, false, kRe, 1},
            {5, 96, 40, true, kHs, 2},
            {5, 240, 40, true, kHs, 1},
            {5, 240, 40, true, kHs, 1},
            {5, 120, 48, true, kHs, 1},
            {5, 144, 48, true, kHs, 1},
            {5, 288, 96, true, kHs, 2},
            {5, 576, 96, true, kHs, 1},
            {5, 576, 96, true, kHs, 1}},
           1024},
          {"large",
           {{3, 16, 16, false, kRe, 1},
            {3, 64, 24, false, kRe, 2},
            {3, 72, 24, false, kRe, 1},
            {5, 72, 40, true, kRe, 2},
            {5, 120, 40, true, kRe, 1},
            {5, 120, 40, true, kRe, 1},
            {3, 240, 80, false, kHs, 2},
            {3, 200, 80, false, kHs, 1},
            {3, 184, 80, false, kHs, 1},
            {3, 184, 80, false, kHs, 1},
            {3, 480, 112, true, kHs, 1},
            {3, 672, 112, true, kHs, 1},
            {5, 672, 160, true, kHs, 2},
            {5, 960, 160, true, kHs, 1},
            {5, 960, 160, true, kHs, 1}},
           1280}};
}

struct Layer {
  int64_t channels;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;
  Activation activation = Activation::kIdentity;
};

// Convolution "<path>.0", normalization "<path>.1", activation "<path>.2".
NetworkValue Normalized(NetworkBuilder& builder, const std::string& path, const NetworkValue& x,
                        const Layer& layer) {
  ConvolutionOptions options;
  options.kernel = layer.kernel;
  options.stride = layer.stride;
  options.padding = layer.kernel / 2;
  options.groups = layer.groups;
  options.next = layer.activation;
  const NetworkValue y = Convolution(builder, path + ".0", x, layer.channels, options);
  return Activate(builder, path + ".2", BatchNormalization(builder, path + ".1", y, kNorm),
                  layer.activation);
}

// Scales each channel by a gate that sees all of them (Hu et al. 2017).
NetworkValue SqueezeExcitation(NetworkBuilder& builder, const std::string& path,
                               const NetworkValue& x) {
  ConvolutionOptions full;
  full.kernel = 1;
  full.has_bias = true;
  const int64_t squeezed = RoundedChannels(static_cast<double>(x.channels()) / 4);
  NetworkValue y = GlobalAveragePool(builder, path + ".avgpool", x);
  y = Convolution(builder, path + ".fc1", y, squeezed, full);
  y = Activate(builder, path + ".activation", y, Activation::kRelu);
  full.next = Activation::kHardSigmoid;
  y = Convolution(builder, path + ".fc2", y, x.channels(), full);
  y = Activate(builder, path + ".scale_activation", y, Activation::kHardSigmoid);
  return Multiply(builder, path, x, y);
}

NetworkValue InvertedResidual(NetworkBuilder& builder, const std::string& path,
                              const NetworkValue& x, const Row& row) {
  int64_t module = 0;
  const auto next = [&] { return absl::StrCat(path, ".block.", module++); };
  NetworkValue y = x;
  if (row.expanded != x.channels()) {
    y = Normalized(builder, next(), y, {row.expanded, 1, 1, 1, row.activation});
  }
  y = Normalized(builder, next(), y,
                 {row.expanded, row.kernel, row.stride, row.expanded, row.activation});
  if (row.has_squeeze) y = SqueezeExcitation(builder, next(), y);
  y = Normalized(builder, next(), y, {row.channels});
  const bool is_residual = row.stride == 1 && x.channels() == row.channels;
  return is_residual ? Add(builder, path + ".add", x, y) : y;
}

void BuildMobileNetV3(NetworkBuilder& builder, const MobileNetV3Size& size) {
  builder.set_initialization({.kind = Initialization::kHeNormal, .uses_fan_out = true});
  const auto scaled = [&](int64_t channels) {
    return RoundedChannels(static_cast<double>(channels) * builder.options().width_multiplier);
  };
  const NetworkValue image = ImageInput(builder, {3, 224, 224});
  const int64_t stem_stride = HasSmallStem(builder, image) ? 1 : 2;
  int64_t module = 0;
  const auto next = [&] { return absl::StrCat("features.", module++); };
  NetworkValue x =
      Normalized(builder, next(), image, {scaled(kStemChannels), 3, stem_stride, 1, kHs});
  for (Row row : size.rows) {
    row.expanded = scaled(row.expanded);
    row.channels = scaled(row.channels);
    x = InvertedResidual(builder, next(), x, row);
  }
  x = Normalized(builder, next(), x, {6 * x.channels(), 1, 1, 1, kHs});
  x = Flatten(builder, "flatten", GlobalAveragePool(builder, "avgpool", x));
  LinearOptions linear;
  linear.next = kHs;
  x = Linear(builder, "classifier.0", x, scaled(size.last), linear);
  x = Activate(builder, "classifier.1", x, kHs);
  x = Dropout(builder, "classifier.2", x, builder.options().dropout.value_or(kDropout));
  ClassLogits(builder, "classifier.3", x, kClasses);
}

}  // namespace

std::vector<Architecture> MobileNetV3Architectures() {
  std::vector<Architecture> members;
  for (const MobileNetV3Size& size : Sizes()) {
    members.push_back(
        {absl::StrCat("mobilenet_v3_", size.name),
         absl::StrCat("MobileNetV3, ", size.name, ", for 3x224x224 (Howard et al. 2019)"),
         {"input", "classes", "width-multiplier", "stem", "dropout"},
         [size](NetworkBuilder& builder) { BuildMobileNetV3(builder, size); }});
  }
  return members;
}

}  // namespace strop
