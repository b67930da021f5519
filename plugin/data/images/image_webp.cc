// WebP, by libwebp.

#include <webp/decode.h>

#include "graph/status_macros.h"
#include "plugin/data/arrays/byte_order.h"
#include "plugin/data/images/image_codec.h"
#include "plugin/data/images/image_orientation.h"

namespace strop {
namespace {

const uint8_t* Bytes(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

bool IsWebp(std::string_view bytes) {
  return bytes.starts_with("RIFF") && bytes.size() > 12 && bytes.substr(8, 4) == "WEBP";
}

// The file is one chunk of chunks: four letters, the length, contents, padded to an even number.
int OrientationOf(std::string_view bytes) {
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const size_t length = LittleEndian(bytes, at + 4, 4);
    if (bytes.substr(at, 4) == "EXIF") return ExifOrientation(bytes.substr(at + 8, length));
    at += 8 + length + length % 2;
  }
  return 1;
}

absl::StatusOr<ImageHeader> InspectWebp(std::string_view bytes) {
  WebPBitstreamFeatures features;
  const bool is_whole = LittleEndian(bytes, 4, 4) <= bytes.size() - 8;
  if (!is_whole || WebPGetFeatures(Bytes(bytes), bytes.size(), &features) != VP8_STATUS_OK) {
    return BadImage("the WebP is damaged or cut short");
  }
  if (features.has_animation != 0) return BadImage("found an animated WebP, expected one picture");
  return ImageHeader{{features.height, features.width}, OrientationOf(bytes)};
}

absl::StatusOr<Image> DecodeWebp(std::string_view bytes) {
  STROP_ASSIGN_OR_RETURN(const ImageHeader header, InspectWebp(bytes));
  Image image = BlankImage(header.size, 3);
  const int stride = static_cast<int>(image.width) * 3;
  if (WebPDecodeRGBInto(Bytes(bytes), bytes.size(), image.pixels.data(), image.pixels.size(),
                        stride) == nullptr) {
    return BadImage("the WebP cannot be decoded");
  }
  return image;
}

}  // namespace

const ImageCodec kWebpCodec = {IsWebp, InspectWebp, DecodeWebp};

}  // namespace strop
