#include "plugin/data/images/image_orientation.h"

#include <algorithm>

#include "plugin/data/arrays/byte_order.h"
#include "plugin/data/images/image_codec.h"

namespace strop {

int ExifOrientation(std::string_view exif) {
  constexpr std::string_view kPrefix("Exif\0\0", 6);
  if (exif.starts_with(kPrefix)) exif.remove_prefix(kPrefix.size());
  const bool is_big_endian = exif.starts_with(std::string_view("MM\0*", 4));
  if (!is_big_endian && !exif.starts_with(std::string_view("II*\0", 4))) return 1;
  const auto read = is_big_endian ? BigEndian : LittleEndian;
  // The first directory: a count, then entries of 12 bytes: tag, type, count, value.
  constexpr uint32_t kOrientationTag = 0x0112;
  const size_t directory = read(exif, 4, 4);
  const size_t count = read(exif, directory, 2);
  for (size_t i = 0; i < count; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > exif.size()) return 1;
    if (read(exif, entry, 2) != kOrientationTag) continue;
    const uint32_t orientation = read(exif, entry + 8, 2);
    return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  }
  return 1;
}

Image Upright(Image image, int orientation) {
  if (orientation == 1) return image;
  const auto is_one_of = [&](std::initializer_list<int> these) {
    return std::find(these.begin(), these.end(), orientation) != these.end();
  };
  const bool is_swapped = SwapsSides(orientation);
  const bool is_row_reversed = is_one_of({3, 4, 6, 7});
  const bool is_column_reversed = is_one_of({2, 3, 7, 8});
  const ImageSize size{is_swapped ? image.width : image.height,
                       is_swapped ? image.height : image.width};
  Image upright = BlankImage(size, image.channels);
  uint8_t* out = upright.pixels.data();
  for (int64_t y = 0; y < size.height; ++y) {
    for (int64_t x = 0; x < size.width; ++x) {
      int64_t row = is_swapped ? x : y;
      int64_t column = is_swapped ? y : x;
      if (is_row_reversed) row = image.height - 1 - row;
      if (is_column_reversed) column = image.width - 1 - column;
      const uint8_t* pixel = image.pixels.data() + (row * image.width + column) * image.channels;
      out = std::copy(pixel, pixel + image.channels, out);
    }
  }
  return upright;
}

}  // namespace strop
