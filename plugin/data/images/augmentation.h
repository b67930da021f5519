#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "plugin/data/images/float_image.h"

namespace strop {

// Random changes of training images, with torchvision's names, meanings and order: resized crop,
// crop, flips, rotation, colours, erasing.
struct AugmentationOptions {
  struct Range {
    double low = 0;
    double high = 0;
  };

  // RandomResizedCrop: share of the area that is kept and stretched to the image's size; its sides
  // in a ratio of 3/4 to 4/3.
  std::optional<Range> resized_crop;
  int64_t crop_padding = 0;    // RandomCrop: zeros on all sides, then a window of the same size
  double horizontal_flip = 0;  // probability
  double vertical_flip = 0;    // probability
  double rotation = 0;         // degrees, to either side; corners that come from outside are 0
  // ColorJitter: factors from max(0, 1 − x) to 1 + x, hue from −x to x, in random order.
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;
  // RandomErasing: probability that a box of 2 to 33 % of the area becomes 0 after the
  // normalization, its sides in a ratio of 0.3 to 3.3.
  double erasing = 0;

  bool has_color() const { return brightness > 0 || contrast > 0 || saturation > 0 || hue > 0; }
  bool moves_pixels() const {
    return resized_crop || crop_padding > 0 || horizontal_flip > 0 || vertical_flip > 0 ||
           rotation > 0 || erasing > 0;
  }
  bool are_default() const { return !moves_pixels() && !has_color(); }
};

// What the draws of one pass over the data depend on, beside the sample.
struct AugmentationKey {
  uint64_t seed = 0;
  uint64_t epoch = 0;
};

// What is done to one image.
struct AugmentationDraw {
  enum class Color { kBrightness, kContrast, kSaturation, kHue };

  std::optional<ImageBox> kept;  // of the original image, stretched to the image's size
  ImageBox window;               // of the image, reaching over its edges; unused when empty
  bool flips_horizontally = false;
  bool flips_vertically = false;
  double degrees = 0;
  std::array<Color, 4> color_order = {Color::kBrightness, Color::kContrast, Color::kSaturation,
                                      Color::kHue};
  std::array<double, 4> color = {1, 1, 1, 0};  // factors and turn, by Color
  std::optional<ImageBox> erased;
};

// The draw for a sample: a function of its arguments alone. `original` is the image as it is
// stored, `size` as it enters the model.
AugmentationDraw DrawAugmentation(const AugmentationOptions& options, const AugmentationKey& key,
                                  int64_t sample, ImageSize original, ImageSize size);

// Everything from the window to the colours, on an image of its final size.
void Augment(const AugmentationDraw& draw, FloatImage& image);

}  // namespace strop
