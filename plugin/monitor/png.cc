#include "plugin/monitor/png.h"

#include <png.h>

#include "absl/strings/str_cat.h"

namespace strop {

absl::StatusOr<std::string> EncodePng(const Image& image) {
  png_image info = {};
  info.version = PNG_IMAGE_VERSION;
  info.width = static_cast<png_uint_32>(image.width);
  info.height = static_cast<png_uint_32>(image.height);
  info.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(info), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&info, bytes.data(), &size, /*convert_to_8_bit=*/0,
                                image.pixels.data(), /*row_stride=*/0, nullptr) == 0) {
    return absl::InternalError(absl::StrCat("record: cannot encode an image: ", info.message));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace strop
