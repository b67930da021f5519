#include "plugin/data/images/augmentation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "plugin/data/images/image_color.h"
#include "plugin/data/images/image_geometry.h"
#include "plugin/data/random_draws.h"

namespace strop {
namespace {

constexpr uint64_t kStream = 0xA06D0000;  // away from the streams of random nodes
constexpr int kAttempts = 10;             // torchvision's, to find a box that fits

using Range = AugmentationOptions::Range;
using Color = AugmentationDraw::Color;

struct Sides {
  int64_t longer_by_ratio = 0;  // √(area · ratio)
  int64_t shorter = 0;          // √(area / ratio)
};

// Sides of a box of a random share of `area` and a random ratio, even on a logarithmic scale.
Sides DrawSides(RandomDraws& draws, double area, Range share, Range ratio) {
  const double wanted = area * draws.Uniform(share.low, share.high);
  const double drawn = std::exp(draws.Uniform(std::log(ratio.low), std::log(ratio.high)));
  return {std::llrint(std::sqrt(wanted * drawn)), std::llrint(std::sqrt(wanted / drawn))};
}

double AreaOf(ImageSize size) { return static_cast<double>(size.height * size.width); }

// RandomResizedCrop.get_params
ImageBox DrawKept(RandomDraws& draws, Range scale, ImageSize size) {
  const Range ratio = {3.0 / 4, 4.0 / 3};
  for (int i = 0; i < kAttempts; ++i) {
    const Sides sides = DrawSides(draws, AreaOf(size), scale, ratio);
    const int64_t width = sides.longer_by_ratio;
    const int64_t height = sides.shorter;
    if (width < 1 || width > size.width || height < 1 || height > size.height) continue;
    const int64_t top = draws.Below(size.height - height + 1);
    return {top, draws.Below(size.width - width + 1), height, width};
  }
  // As much as the ratio allows, from the middle.
  ImageBox box = {0, 0, size.height, size.width};
  const double found = static_cast<double>(size.width) / static_cast<double>(size.height);
  if (found < ratio.low) {
    box.height = std::llrint(static_cast<double>(size.width) / ratio.low);
  } else if (found > ratio.high) {
    box.width = std::llrint(static_cast<double>(size.height) * ratio.high);
  }
  box.top = (size.height - box.height) / 2;
  box.left = (size.width - box.width) / 2;
  return box;
}

// RandomErasing.get_params; nothing when no box fits.
std::optional<ImageBox> DrawErased(RandomDraws& draws, ImageSize size) {
  for (int i = 0; i < kAttempts; ++i) {
    const Sides sides = DrawSides(draws, AreaOf(size), {0.02, 0.33}, {0.3, 3.3});
    const int64_t height = sides.longer_by_ratio;
    const int64_t width = sides.shorter;
    if (height >= size.height || width >= size.width) continue;
    const int64_t top = draws.Below(size.height - height + 1);
    return ImageBox{top, draws.Below(size.width - width + 1), height, width};
  }
  return std::nullopt;
}

void DrawColor(RandomDraws& draws, const AugmentationOptions& options, AugmentationDraw& draw) {
  for (size_t i = draw.color_order.size() - 1; i > 0; --i) {  // Fisher–Yates
    std::swap(draw.color_order[i],
              draw.color_order[static_cast<size_t>(draws.Below(static_cast<int64_t>(i) + 1))]);
  }
  const double spreads[] = {options.brightness, options.contrast, options.saturation};
  for (size_t i = 0; i < 3; ++i) {
    draw.color[i] = draws.Uniform(std::max(0.0, 1 - spreads[i]), 1 + spreads[i]);
  }
  draw.color[3] = draws.Uniform(-options.hue, options.hue);
}

void Adjust(Color color, double amount, FloatImage& image) {
  switch (color) {
    case Color::kBrightness:
      return amount == 1 ? void() : AdjustBrightness(image, amount);
    case Color::kContrast:
      return amount == 1 ? void() : AdjustContrast(image, amount);
    case Color::kSaturation:
      return amount == 1 ? void() : AdjustSaturation(image, amount);
    case Color::kHue:
      return amount == 0 ? void() : AdjustHue(image, amount);
  }
}

}  // namespace

AugmentationDraw DrawAugmentation(const AugmentationOptions& options, const AugmentationKey& key,
                                  int64_t sample, ImageSize original, ImageSize size) {
  RandomDraws draws(key.seed, kStream + key.epoch, static_cast<uint64_t>(sample));
  AugmentationDraw draw;
  if (options.resized_crop) draw.kept = DrawKept(draws, *options.resized_crop, original);
  if (options.crop_padding > 0) {
    const int64_t offsets = 2 * options.crop_padding + 1;
    draw.window.top = draws.Below(offsets) - options.crop_padding;
    draw.window.left = draws.Below(offsets) - options.crop_padding;
    draw.window.height = size.height;
    draw.window.width = size.width;
  }
  draw.flips_horizontally = draws.Uniform() < options.horizontal_flip;
  draw.flips_vertically = draws.Uniform() < options.vertical_flip;
  if (options.rotation > 0) draw.degrees = draws.Uniform(-options.rotation, options.rotation);
  if (options.has_color()) DrawColor(draws, options, draw);
  if (draws.Uniform() < options.erasing) draw.erased = DrawErased(draws, size);
  return draw;
}

void Augment(const AugmentationDraw& draw, FloatImage& image) {
  if (draw.window.height > 0) image = Crop(image, draw.window);
  if (draw.flips_horizontally) FlipHorizontally(image);
  if (draw.flips_vertically) FlipVertically(image);
  if (draw.degrees != 0) image = Rotate(image, draw.degrees);
  for (const Color color : draw.color_order) {
    Adjust(color, draw.color[static_cast<size_t>(color)], image);
  }
}

}  // namespace strop
