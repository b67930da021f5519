#include "plugin/data/image_transform.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/image_geometry.h"

namespace strop {
namespace {

std::string SizeName(ImageSize size) { return absl::StrCat(size.height, "x", size.width); }

absl::StatusOr<std::vector<float>> PerChannel(const std::vector<double>& numbers, int64_t channels,
                                              double otherwise, const std::string& option) {
  const auto count = static_cast<size_t>(channels);
  if (numbers.empty()) return std::vector<float>(count, static_cast<float>(otherwise));
  if (numbers.size() != 1 && numbers.size() != count) {
    return absl::InvalidArgumentError(absl::StrCat("data: ", option, ": found ", numbers.size(),
                                                   " numbers, expected 1 or ", channels));
  }
  std::vector<float> result;
  for (size_t i = 0; i < count; ++i) {
    result.push_back(static_cast<float>(numbers[numbers.size() == 1 ? 0 : i]));
  }
  return result;
}

bool IsChannelCount(int64_t dimension) { return dimension == 1 || dimension == 3; }

}  // namespace

ImageLayout ImageLayoutOf(const ImageOptions& options, const TensorType& input) {
  if (options.layout) return *options.layout;
  const std::optional<Shape>& shape = input.shape;
  if (!shape || shape->size() != 4 || IsChannelCount((*shape)[1])) {
    return ImageLayout::kChannelsFirst;
  }
  return IsChannelCount((*shape)[3]) ? ImageLayout::kChannelsLast : ImageLayout::kChannelsFirst;
}

absl::StatusOr<ImageTransform> ImageTransform::Create(const ImageOptions& options,
                                                      const TensorType& input, const Image& first) {
  ImageTransform transform;
  transform.layout_ = ImageLayoutOf(options, input);
  const bool is_channels_first = transform.layout_ == ImageLayout::kChannelsFirst;
  ImageSize wanted{kUnknownDimension, kUnknownDimension};
  transform.channels_ = first.channels;
  if (input.shape && input.shape->size() == 4) {
    const Shape& shape = *input.shape;
    const int64_t channels = is_channels_first ? shape[1] : shape[3];
    if (channels != kUnknownDimension) transform.channels_ = channels;
    wanted = is_channels_first ? ImageSize{shape[2], shape[3]} : ImageSize{shape[1], shape[2]};
  } else if (input.shape && input.shape->size() == 2) {
    transform.channels_ = 1;  // flattened grey pixels
  }
  if (!IsChannelCount(transform.channels_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: images have 1 or 3 channels, the model's input is ", TypeName(input),
                     "; say where its channels are with --layout"));
  }
  const ImageSize own{first.height, first.width};
  const auto known = [](int64_t dimension, int64_t otherwise) {
    return dimension == kUnknownDimension ? otherwise : dimension;
  };
  transform.resize_ = options.resize;
  if (!options.resize && !options.pad && (wanted.height > 0 || wanted.width > 0)) {
    transform.resize_ = ImageSize{known(wanted.height, own.height), known(wanted.width, own.width)};
  }
  transform.content_ = transform.resize_.value_or(own);
  transform.padded_ = options.pad.value_or(transform.content_);
  const ImageSize result = transform.padded_;
  if (result.height < transform.content_.height || result.width < transform.content_.width) {
    return absl::InvalidArgumentError(absl::StrCat("data: --pad ", SizeName(result),
                                                   ": expected at least the image's ",
                                                   SizeName(transform.content_)));
  }
  if (known(wanted.height, result.height) != result.height ||
      known(wanted.width, result.width) != result.width) {
    return absl::InvalidArgumentError(absl::StrCat(
        "data: images become ", SizeName(result), ", expected ",
        SizeName({known(wanted.height, result.height), known(wanted.width, result.width)}),
        " as the model's input; change --resize or --pad"));
  }
  STROP_ASSIGN_OR_RETURN(transform.mean_,
                         PerChannel(options.mean, transform.channels_, 0, "--mean"));
  STROP_ASSIGN_OR_RETURN(transform.std_, PerChannel(options.std, transform.channels_, 1, "--std"));
  if (std::find(transform.std_.begin(), transform.std_.end(), 0.0f) != transform.std_.end()) {
    return absl::InvalidArgumentError("data: --std: found 0, expected numbers above it");
  }
  return transform;
}

Shape ImageTransform::shape() const {
  if (layout_ == ImageLayout::kChannelsFirst) {
    return {channels_, padded_.height, padded_.width};
  }
  return {padded_.height, padded_.width, channels_};
}

absl::StatusOr<FloatImage> ImageTransform::Content(Image image,
                                                   const std::optional<ImageBox>& kept) const {
  const ImageSize size{image.height, image.width};
  if (!resize_ && !kept && size != content_) {
    return absl::InvalidArgumentError(absl::StrCat("found an image of ", SizeName(size),
                                                   ", expected ", SizeName(content_),
                                                   "; give --resize"));
  }
  image = WithChannels(std::move(image), channels_);
  FloatImage content{size.height, size.width, channels_, {}};
  content.pixels.reserve(image.pixels.size());
  for (const uint8_t pixel : image.pixels) {
    content.pixels.push_back(static_cast<float>(pixel) / 255.0f);
  }
  if (kept) content = Crop(content, *kept);
  if (ImageSize{content.height, content.width} == content_) return content;
  return ResizeBilinear(content, content_);
}

void ImageTransform::Write(const FloatImage& content, const std::optional<ImageBox>& erased,
                           float* out) const {
  std::fill_n(out, ElementCount(shape()), 0.0f);
  const bool is_channels_first = layout_ == ImageLayout::kChannelsFirst;
  for (int64_t y = 0; y < content_.height; ++y) {
    for (int64_t x = 0; x < content_.width; ++x) {
      if (erased && erased->Holds(y, x)) continue;
      const float* pixel = content.pixel(y, x);
      for (int64_t c = 0; c < channels_; ++c) {
        const int64_t at = is_channels_first ? (c * padded_.height + y) * padded_.width + x
                                             : (y * padded_.width + x) * channels_ + c;
        out[at] = (pixel[c] - mean_[static_cast<size_t>(c)]) / std_[static_cast<size_t>(c)];
      }
    }
  }
}

}  // namespace strop
