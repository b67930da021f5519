#include "plugin/data/image_transform.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

std::string SizeName(ImageSize size) { return absl::StrCat(size.height, "x", size.width); }

// The source pixels that one output pixel averages along an axis.
struct Contribution {
  int64_t first = 0;
  std::vector<float> weights;
};

std::vector<Contribution> Contributions(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double reach = std::max(scale, 1.0);  // half the triangle's base
  std::vector<Contribution> contributions(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto begin = std::max<int64_t>(static_cast<int64_t>(center - reach + 0.5), 0);
    const auto end = std::min<int64_t>(static_cast<int64_t>(center + reach + 0.5), from);
    std::vector<double> weights;
    double sum = 0;
    for (int64_t j = begin; j < end; ++j) {
      const double distance = std::abs(static_cast<double>(j) + 0.5 - center) / reach;
      weights.push_back(std::max(1 - distance, 0.0));
      sum += weights.back();
    }
    Contribution& contribution = contributions[static_cast<size_t>(i)];
    contribution.first = begin;
    for (const double weight : weights) {
      contribution.weights.push_back(static_cast<float>(weight / sum));
    }
  }
  return contributions;
}

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

// Channels first unless only the last axis can be channels.
ImageLayout LayoutOf(const std::optional<Shape>& shape) {
  if (!shape || shape->size() != 4 || IsChannelCount((*shape)[1])) {
    return ImageLayout::kChannelsFirst;
  }
  return IsChannelCount((*shape)[3]) ? ImageLayout::kChannelsLast : ImageLayout::kChannelsFirst;
}

}  // namespace

std::vector<float> ResizeBilinear(const Image& image, ImageSize size) {
  const int64_t channels = image.channels;
  const std::vector<Contribution> columns = Contributions(image.width, size.width);
  const std::vector<Contribution> rows = Contributions(image.height, size.height);
  std::vector<float> narrowed(static_cast<size_t>(image.height * size.width * channels));
  float* out = narrowed.data();
  for (int64_t y = 0; y < image.height; ++y) {
    for (const Contribution& column : columns) {
      const uint8_t* pixel =
          &image.pixels[static_cast<size_t>((y * image.width + column.first) * channels)];
      for (int64_t channel = 0; channel < channels; ++channel) {
        float sum = 0;
        for (size_t k = 0; k < column.weights.size(); ++k) {
          sum += column.weights[k] * static_cast<float>(pixel[k * channels + channel]);
        }
        *out++ = sum;
      }
    }
  }
  const int64_t row_length = size.width * channels;
  std::vector<float> resized(static_cast<size_t>(size.height * row_length), 0.0f);
  for (int64_t y = 0; y < size.height; ++y) {
    const Contribution& row = rows[static_cast<size_t>(y)];
    float* line = &resized[static_cast<size_t>(y * row_length)];
    for (size_t k = 0; k < row.weights.size(); ++k) {
      const float* source =
          &narrowed[static_cast<size_t>((row.first + static_cast<int64_t>(k)) * row_length)];
      for (int64_t i = 0; i < row_length; ++i) line[i] += row.weights[k] * source[i];
    }
  }
  return resized;
}

absl::StatusOr<ImageTransform> ImageTransform::Create(const ImageOptions& options,
                                                      const TensorType& input, const Image& first) {
  ImageTransform transform;
  transform.layout_ = options.layout.value_or(LayoutOf(input.shape));
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

absl::Status ImageTransform::Apply(Image image, float* out) const {
  const ImageSize size{image.height, image.width};
  if (!resize_ && size != content_) {
    return absl::InvalidArgumentError(absl::StrCat("found an image of ", SizeName(size),
                                                   ", expected ", SizeName(content_),
                                                   "; give --resize"));
  }
  image = WithChannels(std::move(image), channels_);
  const std::vector<float> pixels =
      size == content_ ? std::vector<float>(image.pixels.begin(), image.pixels.end())
                       : ResizeBilinear(image, content_);
  std::fill_n(out, ElementCount(shape()), 0.0f);
  const bool is_channels_first = layout_ == ImageLayout::kChannelsFirst;
  for (int64_t y = 0; y < content_.height; ++y) {
    for (int64_t x = 0; x < content_.width; ++x) {
      for (int64_t c = 0; c < channels_; ++c) {
        const float pixel = pixels[static_cast<size_t>((y * content_.width + x) * channels_ + c)];
        const int64_t at = is_channels_first ? (c * padded_.height + y) * padded_.width + x
                                             : (y * padded_.width + x) * channels_ + c;
        out[at] = (pixel / 255.0f - mean_[static_cast<size_t>(c)]) / std_[static_cast<size_t>(c)];
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace strop
