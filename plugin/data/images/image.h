#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/images/float_image.h"

namespace strop {

// Pixels row by row, the channels of a pixel side by side: [height, width, channels].
struct Image {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;  // of pictures 1: grey, 3: red, green, blue; of arrays any number
  std::vector<uint8_t> pixels;
};

// What a picture's file says before its pixels are decoded.
struct ImageHeader {
  ImageSize size;       // as stored
  int orientation = 1;  // of EXIF; 1 is upright, see Upright
};

// What pictures are as they are stored, or turned as their EXIF orientation says.
enum class Orientation { kUpright, kAsStored };

// True for bytes that begin as a picture does that DecodeImage reads.
bool IsPicture(std::string_view bytes);

// The header of a picture whose file is there from its header to its end; the pixels are not looked
// at. Nothing for a file that is no picture; InvalidArgument naming the file for a damaged one.
absl::StatusOr<std::optional<ImageHeader>> InspectImage(const std::string& path);

// Decodes a JPEG, PNG, BMP, GIF, PNM, TIFF or WebP file, told apart by its first bytes, into the
// pixels of Pillow's convert("RGB"), grey ones into one channel: an alpha channel is dropped, 16
// bits are divided by 257, gamma and colour profiles are left alone, of several frames it is the
// first. InvalidArgument naming the file when it is none of them or damaged.
absl::StatusOr<Image> DecodeImage(const std::string& path, Orientation orientation);

// The image with that many channels, 1 or 3: grey is repeated, colours become their luma
// (ITU-R 601: 0.299 R + 0.587 G + 0.114 B, rounded).
Image WithChannels(Image image, int64_t channels);

}  // namespace strop
