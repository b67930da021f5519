#pragma once

#include "plugin/data/images/float_image.h"

namespace strop {

// Colours of an image of 1 or 3 channels with pixels from 0 to 1; the results are clamped to that.
// torchvision's functions of the same names on float tensors.

// factor · pixel
void AdjustBrightness(FloatImage& image, double factor);
// factor · pixel + (1 − factor) · the mean of the luma
void AdjustContrast(FloatImage& image, double factor);
// factor · pixel + (1 − factor) · its luma; a grey image stays
void AdjustSaturation(FloatImage& image, double factor);
// Turns the hue by that part of the circle, from −0.5 to 0.5; a grey image stays.
void AdjustHue(FloatImage& image, double turn);

}  // namespace strop
