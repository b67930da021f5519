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

void DrawSample(const ImageShape& shape, absl::Span<const double> pixels, int64_t left, int64_t top,
                int64_t scale, Image& image) {
  double low = INFINITY;
  double high = -INFINITY;
  for (const double pixel : pixels) {
    low = std::min(low, pixel);
    high = std::max(high, pixel);
  }
  const double range = high > low ? high - low : 1;
  for (int64_t y = 0; y < shape.height * scale; ++y) {
    for (int64_t x = 0; x < shape.width * scale; ++x) {
      for (int64_t channel = 0; channel < shape.channels; ++channel) {
        const double pixel = pixels[static_cast<size_t>(y / scale * shape.row_stride +
                                                        x / scale * shape.column_stride +
                                                        channel * shape.channel_stride)];
        const int64_t position = ((top + y) * image.width + left + x) * shape.channels + channel;
        image.pixels[static_cast<size_t>(position)] =
            static_cast<uint8_t>(std::lround(255 * (pixel - low) / range));
      }
    }
  }
}

}  // namespace

absl::StatusOr<std::optional<PngImage>> DrawSamples(DataSource& data) {
  std::optional<ImageShape> shape;
  size_t field = 0;
  for (size_t f = 0; f < data.fields().size() && !shape; ++f) {
    if (data.fields()[f].name == kTargetField) continue;
    shape = ImageShapeOf(data.fields()[f]);
    field = f;
  }
  if (!shape) return std::nullopt;
  const int64_t count = std::min(kSamples, data.sample_count());
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  std::vector<Tensor> batch = data.MakeBatch(count);
  STROP_RETURN_IF_ERROR(data.Read(indices, absl::MakeSpan(batch)));
  STROP_ASSIGN_OR_RETURN(const std::vector<double> pixels, NumericElements(batch[field]));
  const int64_t scale = std::max<int64_t>(kReadable / std::max(shape->height, shape->width), 1);
  const int64_t columns = std::min(kColumns, count);
  const int64_t rows = (count + columns - 1) / columns;
  Image image;
  image.width = columns * (shape->width * scale + kGap) - kGap;
  image.height = rows * (shape->height * scale + kGap) - kGap;
  image.channels = shape->channels;
  image.pixels.resize(static_cast<size_t>(image.width * image.height * image.channels), 255);
  const auto size = static_cast<size_t>(shape->height * shape->width * shape->channels);
  for (int64_t i = 0; i < count; ++i) {
    DrawSample(*shape, absl::MakeConstSpan(pixels).subspan(static_cast<size_t>(i) * size, size),
               i % columns * (shape->width * scale + kGap),
               i / columns * (shape->height * scale + kGap), scale, image);
  }
  PngImage drawn{std::string(kSamplesTag), image.width, image.height, ""};
  STROP_ASSIGN_OR_RETURN(drawn.png, EncodePng(image));
  return drawn;
}

}  // namespace strop
