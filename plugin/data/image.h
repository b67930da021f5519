#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace strop {

// Pixels row by row, the channels of a pixel side by side: [height, width, channels].
struct Image {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;  // 1: grey, 3: red, green, blue
  std::vector<uint8_t> pixels;
};

// Decodes a JPEG or PNG file, told apart by its first bytes; an alpha channel is dropped.
// InvalidArgument naming the file when it is neither or damaged.
absl::StatusOr<Image> DecodeImage(const std::string& path);

// The image with that many channels, 1 or 3: grey is repeated, colours become their luma
// (ITU-R 601: 0.299 R + 0.587 G + 0.114 B, rounded).
Image WithChannels(Image image, int64_t channels);

}  // namespace strop
