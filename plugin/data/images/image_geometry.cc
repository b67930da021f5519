#include "plugin/data/images/image_geometry.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace strop {
namespace {

FloatImage Blank(ImageSize size, int64_t channels) {
  FloatImage image{size.height, size.width, channels, {}};
  image.pixels.assign(static_cast<size_t>(size.height * size.width * channels), 0.0f);
  return image;
}

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

}  // namespace

void FlipHorizontally(FloatImage& image) {
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width / 2; ++x) {
      float* left = image.pixel(y, x);
      std::swap_ranges(left, left + image.channels, image.pixel(y, image.width - 1 - x));
    }
  }
}

void FlipVertically(FloatImage& image) {
  const int64_t row = image.width * image.channels;
  for (int64_t y = 0; y < image.height / 2; ++y) {
    float* upper = image.pixel(y, 0);
    std::swap_ranges(upper, upper + row, image.pixel(image.height - 1 - y, 0));
  }
}

FloatImage Crop(const FloatImage& image, const ImageBox& box) {
  FloatImage cropped = Blank({box.height, box.width}, image.channels);
  const int64_t begin = std::max<int64_t>(0, -box.left);
  const int64_t end = std::min(box.width, image.width - box.left);
  if (begin >= end) return cropped;
  for (int64_t y = 0; y < box.height; ++y) {
    if (box.top + y < 0 || box.top + y >= image.height) continue;
    const float* from = image.pixel(box.top + y, box.left + begin);
    std::copy(from, from + (end - begin) * image.channels, cropped.pixel(y, begin));
  }
  return cropped;
}

void Erase(const ImageBox& box, absl::Span<const float> color, FloatImage& image) {
  for (int64_t y = box.top; y < box.top + box.height; ++y) {
    for (int64_t x = box.left; x < box.left + box.width; ++x) {
      std::copy(color.begin(), color.end(), image.pixel(y, x));
    }
  }
}

FloatImage Rotate(const FloatImage& image, double degrees) {
  FloatImage turned = Blank({image.height, image.width}, image.channels);
  const double angle = degrees * std::numbers::pi / 180;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const double middle_x = static_cast<double>(image.width) / 2;
  const double middle_y = static_cast<double>(image.height) / 2;
  for (int64_t y = 0; y < image.height; ++y) {
    const double down = static_cast<double>(y) + 0.5 - middle_y;
    for (int64_t x = 0; x < image.width; ++x) {
      const double right = static_cast<double>(x) + 0.5 - middle_x;
      const double from_x = std::floor(cosine * right - sine * down + middle_x);
      const double from_y = std::floor(sine * right + cosine * down + middle_y);
      if (from_x < 0 || from_x >= static_cast<double>(image.width) || from_y < 0 ||
          from_y >= static_cast<double>(image.height)) {
        continue;
      }
      const float* from = image.pixel(static_cast<int64_t>(from_y), static_cast<int64_t>(from_x));
      std::copy(from, from + image.channels, turned.pixel(y, x));
    }
  }
  return turned;
}

FloatImage ResizeBilinear(const FloatImage& image, ImageSize size) {
  const std::vector<Contribution> columns = Contributions(image.width, size.width);
  const std::vector<Contribution> rows = Contributions(image.height, size.height);
  FloatImage narrowed = Blank({image.height, size.width}, image.channels);
  float* out = narrowed.pixels.data();
  for (int64_t y = 0; y < image.height; ++y) {
    for (const Contribution& column : columns) {
      const float* pixel = image.pixel(y, column.first);
      for (int64_t channel = 0; channel < image.channels; ++channel) {
        float sum = 0;
        for (size_t k = 0; k < column.weights.size(); ++k) {
          sum += column.weights[k] * pixel[static_cast<int64_t>(k) * image.channels + channel];
        }
        *out++ = sum;
      }
    }
  }
  FloatImage resized = Blank(size, image.channels);
  const int64_t row_length = size.width * image.channels;
  for (int64_t y = 0; y < size.height; ++y) {
    const Contribution& row = rows[static_cast<size_t>(y)];
    float* line = resized.pixel(y, 0);
    for (size_t k = 0; k < row.weights.size(); ++k) {
      const float* source = narrowed.pixel(row.first + static_cast<int64_t>(k), 0);
      for (int64_t i = 0; i < row_length; ++i) line[i] += row.weights[k] * source[i];
    }
  }
  return resized;
}

}  // namespace strop
