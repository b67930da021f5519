// U-Net (Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation",
// 2015): --depth poolings on the way down, as many doublings on the way up, each beside the maps of
// its size. Convolutions are padded, so that the output has the image's size, and normalized.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kWidth = 64;
constexpr int64_t kDepth = 4;
constexpr int64_t kClasses = 1;

// Twice convolution, normalization, ReLU.
NetworkValue DoubleConvolution(NetworkBuilder& builder, const std::string& path, NetworkValue x,
                               int64_t channels) {
  ConvolutionOptions convolution;
  convolution.padding = 1;
  for (const int number : {1, 2}) {
    x = Convolution(builder, absl::StrCat(path, ".conv", number), x, channels, convolution);
    x = BatchNormalization(builder, absl::StrCat(path, ".norm", number), x);
    x = Activate(builder, absl::StrCat(path, ".relu", number), x, Activation::kRelu);
  }
  return x;
}

void BuildUNet(NetworkBuilder& builder) {
  const int64_t width = SingleWidth(builder, kWidth);
  const int64_t depth = builder.options().depth.value_or(kDepth);
  NetworkValue x = ImageInput(builder, {1, 256, 256});
  const int64_t divisor = int64_t{1} << std::min<int64_t>(depth, 30);
  if (x.shape[2] % divisor != 0 || x.shape[3] % divisor != 0) {
    builder.Fail(absl::StrCat(
        "a U-Net of depth ", depth, " halves the image ", depth, " times: found ", x.shape[2], "x",
        x.shape[3], ", expected multiples of ", divisor, "; choose another --input or --depth"));
    return;
  }
  std::vector<NetworkValue> levels;
  for (int64_t level = 0; level < depth; ++level) {
    levels.push_back(
        DoubleConvolution(builder, absl::StrCat("encoder", level + 1), x, width << level));
    x = MaxPool(builder, absl::StrCat("pool", level + 1), levels.back());
  }
  x = DoubleConvolution(builder, "bottleneck", x, width << depth);
  for (int64_t level = depth - 1; level >= 0; --level) {
    const NetworkValue& fine = levels[static_cast<size_t>(level)];
    x = DoublingConvolution(builder, absl::StrCat("upconv", level + 1), x, width << level);
    x = Concatenate(builder, absl::StrCat("concat", level + 1), {x, fine}, 1);
    x = DoubleConvolution(builder, absl::StrCat("decoder", level + 1), x, width << level);
  }
  ConvolutionOptions last;
  last.kernel = 1;
  last.has_bias = true;
  last.next = Activation::kIdentity;
  const int64_t classes = builder.options().classes.value_or(kClasses);
  builder.Output(Convolution(builder, "conv", x, classes, last), "logits", {"batch"});
}

}  // namespace

std::vector<Architecture> UNetArchitectures() {
  return {{"unet",
           "U-Net for 1x256x256, logits of --classes 1 maps (Ronneberger et al. 2015)",
           {"input", "classes", "depth", "width"},
           BuildUNet}};
}

}  // namespace strop
