#include "plugin/data/images/picture_shape.h"

namespace strop {

std::optional<PictureShape> PictureShapeIn(absl::Span<const int64_t> sample, ImageLayout layout) {
  if (sample.size() == 2) return PictureShape{sample[0], sample[1], 1, layout};
  if (sample.size() != 3) return std::nullopt;
  if (layout == ImageLayout::kChannelsFirst) {
    return PictureShape{sample[1], sample[2], sample[0], layout};
  }
  return PictureShape{sample[0], sample[1], sample[2], layout};
}

std::optional<PictureShape> PictureShapeFor(absl::Span<const int64_t> sample,
                                            const ImageOptions& options, const TensorType& input) {
  const ImageLayout layout = ImageLayoutOf(options, input);
  const bool is_first = layout == ImageLayout::kChannelsFirst;
  const ImageLayout other = is_first ? ImageLayout::kChannelsLast : ImageLayout::kChannelsFirst;
  if (sample.size() != 3) return PictureShapeIn(sample, layout);
  int64_t wanted = kUnknownDimension;
  if (input.shape && input.shape->size() == 4) wanted = (*input.shape)[is_first ? 1 : 3];
  const auto likeness = [&](int64_t channels) {
    if (channels == wanted) return 2;
    return channels == 1 || channels == 3 ? 1 : 0;
  };
  const int64_t here = is_first ? sample[0] : sample[2];
  const int64_t there = is_first ? sample[2] : sample[0];
  return PictureShapeIn(sample, likeness(there) > likeness(here) ? other : layout);
}

}  // namespace strop
