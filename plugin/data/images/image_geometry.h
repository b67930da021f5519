#pragma once

#include "absl/types/span.h"
#include "plugin/data/images/float_image.h"

namespace strop {

// Where the pixels of an image go. All keep the channels.

void FlipHorizontally(FloatImage& image);
void FlipVertically(FloatImage& image);

// The pixels of a box that may reach over the edges; what lies outside is 0.
FloatImage Crop(const FloatImage& image, const ImageBox& box);

// Gives the pixels of a box that colour, one number per channel.
void Erase(const ImageBox& box, absl::Span<const float> color, FloatImage& image);

// Turns about the centre, counter-clockwise for positive angles. Every pixel takes the one nearest
// to where it comes from, or 0 outside, as torchvision's and Pillow's rotate do by default.
FloatImage Rotate(const FloatImage& image, double degrees);

// Bilinear with half-pixel centres; when shrinking the triangle grows with the scale, so that every
// pixel counts, as Pillow does.
FloatImage ResizeBilinear(const FloatImage& image, ImageSize size);

}  // namespace strop
