#include "plugin/data/images/image_transform.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/data/images/image_geometry.h"

namespace strop {
namespace {

std::string SizeName(ImageSize size) { return absl::StrCat(size.height, "x", size.width); }

bool IsChannelCount(int64_t dimension) { return dimension == 1 || dimension == 3; }

// Channels of pictures in a flattened input: their own, or one where only grey ones fit.
int64_t FlatChannels(int64_t width, ImageSize size, int64_t own_channels) {
  return width == size.height * size.width ? 1 : own_channels;
}

}  // namespace

absl::StatusOr<std::vector<double>> PerChannel(const std::vector<double>& numbers, int64_t channels,
                                               double otherwise, const std::string& option) {
  const auto count = static_cast<size_t>(channels);
  if (numbers.empty()) return std::vector<double>(count, otherwise);
  if (numbers.size() == 1) return std::vector<double>(count, numbers[0]);
  if (numbers.size() == count) return numbers;
  const std::string expected = channels == 1 ? "1" : absl::StrCat("1 or ", channels);
  return absl::InvalidArgumentError(
      absl::StrCat("data: ", option, ": found ", numbers.size(), " numbers, expected ", expected));
}

absl::Status CheckTakesFractions(const TensorType& input) {
  if (IsFloating(input.element_type)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("data: --mean and --std make fractions, the model's input is ", TypeName(input),
                   "; leave them out"));
}

std::string NormalizationName(const ImageOptions& options) {
  std::string name;
  if (!options.mean.empty()) absl::StrAppend(&name, ", mean ", absl::StrJoin(options.mean, ","));
  if (!options.std.empty()) absl::StrAppend(&name, ", std ", absl::StrJoin(options.std, ","));
  return name;
}

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
  const ImageSize own{first.height, first.width};
  ImageSize wanted{kUnknownDimension, kUnknownDimension};
  transform.channels_ = first.channels;
  if (input.shape && input.shape->size() == 4) {
    const Shape& shape = *input.shape;
    const int64_t channels = is_channels_first ? shape[1] : shape[3];
    if (channels != kUnknownDimension) transform.channels_ = channels;
    wanted = is_channels_first ? ImageSize{shape[2], shape[3]} : ImageSize{shape[1], shape[2]};
  } else if (input.shape && input.shape->size() == 2) {
    const ImageSize size = options.pad.value_or(options.resize.value_or(own));
    transform.channels_ = FlatChannels((*input.shape)[1], size, first.channels);
  }
  const bool converts = transform.channels_ != first.channels;
  if (converts && (!IsChannelCount(transform.channels_) || !IsChannelCount(first.channels))) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: images have 1 or 3 channels, the model's input is ", TypeName(input),
                     "; say where its channels are with --layout"));
  }
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
  if (options.normalizes()) STROP_RETURN_IF_ERROR(CheckTakesFractions(input));
  STROP_ASSIGN_OR_RETURN(transform.mean_,
                         PerChannel(options.mean, transform.channels_, 0, "--mean"));
  STROP_ASSIGN_OR_RETURN(transform.std_, PerChannel(options.std, transform.channels_, 1, "--std"));
  transform.is_rounded_ = !IsFloating(input.element_type);
  const bool is_scaled = options.scales_pixels && !transform.is_rounded_;
  transform.unit_ = is_scaled ? 1 : 255;
  transform.description_ = absl::StrCat(
      is_scaled ? "pixels scaled by 1/255" : "pixels from 0 to 255", NormalizationName(options),
      transform.content_ == own ? "" : ", resized to " + SizeName(transform.content_),
      options.pad ? ", padded to " + SizeName(transform.padded_) : "");
  return transform;
}

Shape ImageTransform::shape() const {
  if (layout_ == ImageLayout::kChannelsFirst) {
    return {channels_, padded_.height, padded_.width};
  }
  return {padded_.height, padded_.width, channels_};
}

PixelScale ImageTransform::pixel_scale() const { return {mean_, std_, unit_}; }

absl::Status ImageTransform::CheckSize(ImageSize size) const {
  if (resize_ || size == content_) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "found an image of ", SizeName(size), ", expected ", SizeName(content_), "; give --resize"));
}

absl::StatusOr<FloatImage> ImageTransform::Content(Image image,
                                                   const std::optional<ImageBox>& kept) const {
  const ImageSize size{image.height, image.width};
  if (!kept) STROP_RETURN_IF_ERROR(CheckSize(size));
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
        const auto number = static_cast<float>((pixel[c] * unit_ - mean_[static_cast<size_t>(c)]) /
                                               std_[static_cast<size_t>(c)]);
        out[at] = is_rounded_ ? std::nearbyint(number) : number;
      }
    }
  }
}

}  // namespace strop
