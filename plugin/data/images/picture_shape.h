#pragma once

#include <optional>

#include "absl/types/span.h"
#include "plugin/data/images/image_transform.h"

namespace strop {

// Where the numbers of a picture lie in a sample of an array.
struct PictureShape {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 1;
  ImageLayout layout = ImageLayout::kChannelsFirst;

  int64_t elements() const { return height * width * channels; }
  // Calls visit(i, j) for every number: it is the sample's i-th and the j-th of an Image, which has
  // [height, width, channels].
  template <typename Visit>
  void VisitElements(const Visit& visit) const {
    const bool is_channels_first = layout == ImageLayout::kChannelsFirst;
    const int64_t pixels = height * width;
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t in_image = pixel * channels + c;
        visit(is_channels_first ? c * pixels + pixel : in_image, in_image);
      }
    }
  }
};

// The picture in samples of that shape: [height, width], or with channels where `layout` says.
std::optional<PictureShape> PictureShapeIn(absl::Span<const int64_t> sample, ImageLayout layout);

// The same with the channels where the model's input has them, unless the other end of the sample
// looks more like its channels: as many as the input has, or else 1 or 3.
std::optional<PictureShape> PictureShapeFor(absl::Span<const int64_t> sample,
                                            const ImageOptions& options, const TensorType& input);

}  // namespace strop
