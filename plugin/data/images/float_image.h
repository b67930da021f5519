#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace strop {

// Pixels as an Image has them, [height, width, channels], in float: from 0 to 1 where they come
// from bytes.
struct FloatImage {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  std::vector<float> pixels;

  float* pixel(int64_t y, int64_t x) {
    return pixels.data() + static_cast<size_t>((y * width + x) * channels);
  }
  const float* pixel(int64_t y, int64_t x) const {
    return pixels.data() + static_cast<size_t>((y * width + x) * channels);
  }
};

struct ImageSize {
  int64_t height = 0;
  int64_t width = 0;
  bool operator==(const ImageSize&) const = default;
};

// Some of an image's pixels.
struct ImageBox {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;

  bool Holds(int64_t y, int64_t x) const {
    return y >= top && y < top + height && x >= left && x < left + width;
  }
};

}  // namespace strop
