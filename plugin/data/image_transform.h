#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor_type.h"
#include "plugin/data/float_image.h"
#include "plugin/data/image.h"

namespace strop {

enum class ImageLayout { kChannelsFirst, kChannelsLast };

// What the user asks of images; what is absent follows from the model's input.
struct ImageOptions {
  std::optional<ImageSize> resize;
  std::optional<ImageSize> pad;  // zeros on the right and below, after the normalization
  std::vector<double> mean;      // one number, or one a channel, of pixels between 0 and 1
  std::vector<double> std;
  std::optional<ImageLayout> layout;

  bool are_default() const { return !resize && !pad && mean.empty() && std.empty() && !layout; }
};

// The way of a decoded image into a model's input:
//   resized bilinearly, y[c] = (pixel[c] / 255 − mean[c]) / std[c], padded with zeros.
class ImageTransform {
 public:
  // `input` is the model's, its sample axis included; `first` is an image of the data set, whose
  // size and channels count where nothing else says. InvalidArgument for options that contradict
  // the input.
  static absl::StatusOr<ImageTransform> Create(const ImageOptions& options, const TensorType& input,
                                               const Image& first);

  // Of one sample.
  Shape shape() const;
  // Of an image after the resize, before the padding.
  ImageSize content_size() const { return content_; }

  // The image, or the box of it that is kept, resized. InvalidArgument for a whole image of another
  // size when nothing resizes it.
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
  ImageLayout layout_ = ImageLayout::kChannelsFirst;
  std::vector<float> mean_;  // [channels]
  std::vector<float> std_;   // [channels]
};

// Where images of that input have their channels, unless the options say: first, but where only the
// last axis can be channels.
ImageLayout ImageLayoutOf(const ImageOptions& options, const TensorType& input);

}  // namespace strop
