#include "plugin/data/images/image_color.h"

#include <algorithm>
#include <cmath>

namespace strop {
namespace {

// ITU-R 601, as torchvision rounds it.
float Luma(const float* pixel) {
  return 0.2989f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
}

float Clamp(float number) { return std::clamp(number, 0.0f, 1.0f); }

// factor · pixel + (1 − factor) · other
void Blend(float* pixel, float other, float factor, int64_t channels) {
  for (int64_t c = 0; c < channels; ++c) {
    pixel[c] = Clamp(factor * pixel[c] + (1 - factor) * other);
  }
}

int64_t PixelCount(const FloatImage& image) { return image.height * image.width; }

// Smith, "Color gamut transform pairs" (1978).
void TurnHue(float* pixel, double turn) {
  const double red = pixel[0];
  const double green = pixel[1];
  const double blue = pixel[2];
  const double value = std::max({red, green, blue});
  const double range = value - std::min({red, green, blue});
  if (range == 0) return;
  double sixth = 0;  // hue in sixths of the circle
  if (value == red) {
    sixth = (green - blue) / range;
  } else if (value == green) {
    sixth = 2 + (blue - red) / range;
  } else {
    sixth = 4 + (red - green) / range;
  }
  double hue = sixth / 6 + turn;
  hue -= std::floor(hue);
  // Each channel falls from `value` by `range` times a trapezoid of the hue.
  const auto channel = [&](double shift) {
    const double at = std::fmod(shift + hue * 6, 6.0);
    return static_cast<float>(value - range * std::clamp(std::min(at, 4 - at), 0.0, 1.0));
  };
  pixel[0] = Clamp(channel(5));
  pixel[1] = Clamp(channel(3));
  pixel[2] = Clamp(channel(1));
}

}  // namespace

void AdjustBrightness(FloatImage& image, double factor) {
  for (float& pixel : image.pixels) pixel = Clamp(pixel * static_cast<float>(factor));
}

void AdjustContrast(FloatImage& image, double factor) {
  double sum = 0;
  for (int64_t i = 0; i < PixelCount(image); ++i) {
    const float* pixel = image.pixel(0, i);
    sum += image.channels == 3 ? Luma(pixel) : *pixel;
  }
  const auto mean = static_cast<float>(sum / static_cast<double>(PixelCount(image)));
  for (int64_t i = 0; i < PixelCount(image); ++i) {
    Blend(image.pixel(0, i), mean, static_cast<float>(factor), image.channels);
  }
}

void AdjustSaturation(FloatImage& image, double factor) {
  if (image.channels != 3) return;
  for (int64_t i = 0; i < PixelCount(image); ++i) {
    float* pixel = image.pixel(0, i);
    Blend(pixel, Luma(pixel), static_cast<float>(factor), 3);
  }
}

void AdjustHue(FloatImage& image, double turn) {
  if (image.channels != 3) return;
  for (int64_t i = 0; i < PixelCount(image); ++i) TurnHue(image.pixel(0, i), turn);
}

}  // namespace strop
