#include "plugin/monitor/sample_image.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "graph/status_macros.h"
#include "plugin/monitor/png.h"
#include "plugin/monitor/tags.h"

namespace strop {
namespace {

constexpr int64_t kSamples = 16;
constexpr int64_t kColumns = 8;
constexpr int64_t kGap = 2;
// Small pictures are magnified until they are about as large.
constexpr int64_t kReadable = 64;

// How the pixels of a sample lie: [channels, height, width], [height, width, channels] or
// [height, width].
struct ImageShape {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 1;
  int64_t row_stride = 0;
  int64_t column_stride = 0;
  int64_t channel_stride = 0;
};

bool IsChannelCount(int64_t dimension) { return dimension == 1 || dimension == 3; }

std::optional<ImageShape> ImageShapeOf(const DataField& field) {
  constexpr int64_t kSmallest = 4;  // below it is a table
  const Shape& shape = field.shape;
  ImageShape image;
  if (shape.size() == 2) {
    image = {shape[0], shape[1], 1, shape[1], 1, 0};
  } else if (shape.size() == 3 && IsChannelCount(shape[0])) {
    image = {shape[1], shape[2], shape[0], shape[2], 1, shape[1] * shape[2]};
  } else if (shape.size() == 3 && IsChannelCount(shape[2])) {
    image = {shape[0], shape[1], shape[2], shape[1] * shape[2], shape[2], 1};
  } else {
    return std::nullopt;
  }
  // Floating matrices may be sequences of vectors.
  const bool is_ambiguous = shape.size() == 2 && shape[0] != shape[1];
  if (image.height < kSmallest || image.width < kSmallest || is_ambiguous) return std::nullopt;
  return image;
}

// The first field that holds images.
struct ImageField {
  size_t field = 0;
  ImageShape shape;
  std::optional<PixelScale> pixels;
};
std::optional<ImageField> FindImageField(const std::vector<DataField>& fields) {
  for (size_t f = 0; f < fields.size(); ++f) {
    if (fields[f].name == kTargetField || fields[f].is_weight) continue;
    const std::optional<ImageShape> shape = ImageShapeOf(fields[f]);
    if (shape) return ImageField{f, *shape, fields[f].pixels};
  }
  return std::nullopt;
}

// How a sample's pixels become a picture's: magnified, or the mean of `shrink` by `shrink`.
struct Zoom {
  int64_t scale = 1;
  int64_t shrink = 1;

  int64_t Extent(int64_t pixels) const { return std::max<int64_t>(pixels / shrink, 1) * scale; }
};

double MeanOfBlock(const ImageShape& shape, absl::Span<const double> pixels, int64_t top,
                   int64_t left, int64_t channel, int64_t side) {
  double sum = 0;
  const int64_t bottom = std::min(top + side, shape.height);
  const int64_t right = std::min(left + side, shape.width);
  for (int64_t y = top; y < bottom; ++y) {
    for (int64_t x = left; x < right; ++x) {
      sum += pixels[static_cast<size_t>(y * shape.row_stride + x * shape.column_stride +
                                        channel * shape.channel_stride)];
    }
  }
  return sum / static_cast<double>((bottom - top) * (right - left));
}

// From a number of channel c to a shade between 0 and 1: (number · slope[c] + offset[c]).
struct Shading {
  std::vector<double> slope;
  std::vector<double> offset;

  uint8_t Of(double number, int64_t channel) const {
    const auto c = static_cast<size_t>(channel);
    return static_cast<uint8_t>(
        std::lround(255 * std::clamp(number * slope[c] + offset[c], 0.0, 1.0)));
  }
};

// Back to the pixels where it is known how the numbers came from them; else from the least number
// to the greatest.
Shading ShadingOf(const ImageField& field, absl::Span<const double> numbers) {
  const auto channels = static_cast<size_t>(field.shape.channels);
  Shading shading;
  if (field.pixels && field.pixels->mean.size() == channels) {
    for (size_t c = 0; c < channels; ++c) {
      shading.slope.push_back(field.pixels->std[c] / field.pixels->white);
      shading.offset.push_back(field.pixels->mean[c] / field.pixels->white);
    }
    return shading;
  }
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  const double range = *high > *low ? *high - *low : 1;
  shading.slope.assign(channels, 1 / range);
  shading.offset.assign(channels, -*low / range);
  return shading;
}

void DrawSample(const ImageField& field, absl::Span<const double> pixels, int64_t left, int64_t top,
                const Zoom& zoom, Image& image) {
  const ImageShape& shape = field.shape;
  const Shading shading = ShadingOf(field, pixels);
  for (int64_t y = 0; y < zoom.Extent(shape.height); ++y) {
    for (int64_t x = 0; x < zoom.Extent(shape.width); ++x) {
      for (int64_t channel = 0; channel < shape.channels; ++channel) {
        const double pixel = MeanOfBlock(shape, pixels, y / zoom.scale * zoom.shrink,
                                         x / zoom.scale * zoom.shrink, channel, zoom.shrink);
        const int64_t position = ((top + y) * image.width + left + x) * shape.channels + channel;
        image.pixels[static_cast<size_t>(position)] = shading.Of(pixel, channel);
      }
    }
  }
}

}  // namespace

absl::StatusOr<std::optional<PngImage>> DrawSamples(DataSource& data) {
  const std::optional<ImageField> found = FindImageField(data.fields());
  if (!found) return std::nullopt;
  const ImageShape& shape = found->shape;
  const int64_t count = std::min(kSamples, data.sample_count());
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  std::vector<Tensor> batch = data.MakeBatch(count);
  STROP_RETURN_IF_ERROR(data.Read(indices, absl::MakeSpan(batch)));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> pixels, NumericElements(batch[found->field]));
  const int64_t scale = std::max<int64_t>(kReadable / std::max(shape.height, shape.width), 1);
  const int64_t columns = std::min(kColumns, count);
  const int64_t rows = (count + columns - 1) / columns;
  Image image;
  image.width = columns * (shape.width * scale + kGap) - kGap;
  image.height = rows * (shape.height * scale + kGap) - kGap;
  image.channels = shape.channels;
  image.pixels.resize(static_cast<size_t>(image.width * image.height * image.channels), 255);
  const auto size = static_cast<size_t>(shape.height * shape.width * shape.channels);
  for (int64_t i = 0; i < count; ++i) {
    DrawSample(*found, absl::MakeConstSpan(pixels).subspan(static_cast<size_t>(i) * size, size),
               i % columns * (shape.width * scale + kGap),
               i / columns * (shape.height * scale + kGap), {scale}, image);
  }
  PngImage drawn{std::string(kSamplesTag), image.width, image.height, ""};
  STROP_ASSIGN_OR_RETURN(drawn.png, EncodePng(image));
  return drawn;
}

absl::StatusOr<std::vector<PngImage>> DrawEachSample(const std::vector<DataField>& fields,
                                                     absl::Span<const Tensor> batch) {
  constexpr int64_t kLargest = 128;
  std::vector<PngImage> drawn;
  const std::optional<ImageField> found = FindImageField(fields);
  if (!found) return drawn;
  const ImageShape& shape = found->shape;
  const int64_t side = std::max(shape.height, shape.width);
  const Zoom zoom = {std::max<int64_t>(kReadable / side, 1), (side + kLargest - 1) / kLargest};
  STROP_ASSIGN_OR_RETURN(const std::vector<double> pixels, NumericElements(batch[found->field]));
  const auto size = static_cast<size_t>(shape.height * shape.width * shape.channels);
  for (size_t first = 0; first + size <= pixels.size(); first += size) {
    Image image;
    image.width = zoom.Extent(shape.width);
    image.height = zoom.Extent(shape.height);
    image.channels = shape.channels;
    image.pixels.resize(static_cast<size_t>(image.width * image.height * image.channels));
    DrawSample(*found, absl::MakeConstSpan(pixels).subspan(first, size), 0, 0, zoom, image);
    PngImage& png = drawn.emplace_back(PngImage{"", image.width, image.height, ""});
    STROP_ASSIGN_OR_RETURN(png.png, EncodePng(image));
  }
  return drawn;
}

}  // namespace strop
