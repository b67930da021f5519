#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor_type.h"
#include "plugin/data/image.h"

namespace strop {

enum class ImageLayout { kChannelsFirst, kChannelsLast };

struct ImageSize {
  int64_t height = 0;
  int64_t width = 0;
  bool operator==(const ImageSize&) const = default;
};

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

  // Writes ElementCount(shape()) numbers. InvalidArgument for an image of another size when
  // nothing resizes it.
  absl::Status Apply(Image image, float* out) const;

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

// Bilinear with half-pixel centres; when shrinking the triangle grows with the scale, so that every
// pixel counts, as Pillow does. The result is [height, width, channels], from 0 to 255.
std::vector<float> ResizeBilinear(const Image& image, ImageSize size);

}  // namespace strop
