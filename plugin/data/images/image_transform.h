#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor_type.h"
#include "plugin/data/data_source.h"
#include "plugin/data/images/float_image.h"
#include "plugin/data/images/image.h"

namespace strop {

enum class ImageLayout { kChannelsFirst, kChannelsLast };

// What the user asks of images; what is absent follows from the model's input.
struct ImageOptions {
  std::optional<ImageSize> resize;
  std::optional<ImageSize> pad;  // zeros on the right and below, after the normalization
  // One number, or one per channel, of pixels between 0 and 1; of 0 to 255 when not scaled.
  std::vector<double> mean;
  std::vector<double> std;
  bool scales_pixels = true;  // by 1/255, into a floating input
  std::optional<ImageLayout> layout;
  Orientation orientation = Orientation::kUpright;  // of files

  bool normalizes() const { return !mean.empty() || !std.empty(); }
  bool changes_size() const { return resize || pad; }
};

// The way of a decoded image into a model's input:
//   resized bilinearly, y[c] = (pixel[c] / 255 − mean[c]) / std[c], padded with zeros.
// Not divided by 255, and rounded, for an input of whole numbers.
class ImageTransform {
 public:
  // `input` is the model's, its sample axis included; `first` is an image of the data set, whose
  // size and channels count where nothing else says. InvalidArgument for options that contradict
  // the input.
  static absl::StatusOr<ImageTransform> Create(const ImageOptions& options, const TensorType& input,
                                               const Image& first);

  // Of one sample.
  Shape shape() const;
  // What Write does to pixels.
  PixelScale pixel_scale() const;
  // Of an image after the resize, before the padding.
  ImageSize content_size() const { return content_; }
  int64_t channels() const { return channels_; }

  // What happens to the pixels, for a reader: "pixels scaled by 1/255, mean 0.5, resized to 8x8".
  const std::string& description() const { return description_; }

  // InvalidArgument for an image of another size when nothing resizes it.
  absl::Status CheckSize(ImageSize size) const;

  // The image, or the box of it that is kept, resized. InvalidArgument as CheckSize for a whole
  // one.
  absl::StatusOr<FloatImage> Content(Image image, const std::optional<ImageBox>& kept) const;
  // Normalizes and pads what Content returned; the erased box becomes 0. ElementCount(shape())
  // numbers.
  void Write(const FloatImage& content, const std::optional<ImageBox>& erased, float* out) const;

 private:
  ImageTransform() = default;

  std::optional<ImageSize> resize_;
  ImageSize content_;  // of an image after the resize
  ImageSize padded_;
  int64_t channels_ = 3;
  double unit_ = 1;  // what a pixel of 255 becomes before mean and std
  bool is_rounded_ = false;
  ImageLayout layout_ = ImageLayout::kChannelsFirst;
  std::vector<double> mean_;  // [channels]
  std::vector<double> std_;   // [channels]
  std::string description_;
};

// One number per channel: as typed for `option`, repeated if it is one alone, or else `otherwise`.
absl::StatusOr<std::vector<double>> PerChannel(const std::vector<double>& numbers, int64_t channels,
                                               double otherwise, const std::string& option);

// InvalidArgument for --mean and --std of an input of whole numbers.
absl::Status CheckTakesFractions(const TensorType& input);

// "mean 0.5,0.4,0.3, std 0.2", what was typed of the two, each behind ", ".
std::string NormalizationName(const ImageOptions& options);

// Where images of that input have their channels, unless the options say: first, but where only the
// last axis can be channels.
ImageLayout ImageLayoutOf(const ImageOptions& options, const TensorType& input);

}  // namespace strop
