// Windows bitmaps without run-length compression.

#include <array>
#include <bit>

#include "graph/status_macros.h"
#include "plugin/data/arrays/byte_order.h"
#include "plugin/data/images/image_codec.h"

namespace strop {
namespace {

constexpr size_t kFileHeaderBytes = 14;
constexpr size_t kCoreHeaderBytes = 12;  // the oldest header, with narrower fields
constexpr size_t kInfoHeaderBytes = 40;
enum Compression : uint32_t { kPlain = 0, kBitFields = 3, kAlphaBitFields = 6 };

struct Layout {
  ImageSize size;
  bool is_top_down = false;
  size_t bits = 0;    // a pixel
  size_t stride = 0;  // bytes per row
  size_t pixels = 0;  // where they begin
  size_t palette = 0;
  size_t palette_entry = 4;            // bytes: blue, green, red and one unused
  std::array<uint32_t, 3> masks = {};  // of red, green, blue, for 16 and 32 bits
};

bool IsBmp(std::string_view bytes) {
  const uint32_t header_bytes = LittleEndian(bytes, kFileHeaderBytes, 4);
  return bytes.starts_with("BM") && header_bytes >= kCoreHeaderBytes && header_bytes <= 124;
}

absl::StatusOr<Layout> LayoutOf(std::string_view bytes) {
  Layout layout;
  const size_t header_bytes = LittleEndian(bytes, kFileHeaderBytes, 4);
  const bool is_core = header_bytes == kCoreHeaderBytes;
  const size_t number = is_core ? 2 : 4;
  const auto signed_at = [&](size_t at) {
    const uint32_t found = LittleEndian(bytes, at, number);
    return is_core ? int64_t{found} : int64_t{static_cast<int32_t>(found)};
  };
  layout.size = {signed_at(18 + number), signed_at(18)};
  layout.is_top_down = layout.size.height < 0;
  if (layout.is_top_down) layout.size.height = -layout.size.height;
  layout.bits = LittleEndian(bytes, 20 + 2 * number, 2);
  layout.pixels = LittleEndian(bytes, 10, 4);
  layout.palette = kFileHeaderBytes + header_bytes;
  layout.palette_entry = is_core ? 3 : 4;
  const uint32_t compression = is_core ? uint32_t{kPlain} : LittleEndian(bytes, 30, 4);
  const bool has_masks = compression == kBitFields || compression == kAlphaBitFields;
  const bool is_wide = layout.bits == 16 || layout.bits == 24 || layout.bits == 32;
  if ((compression != kPlain && !(has_masks && is_wide)) ||
      (!is_wide && layout.bits != 1 && layout.bits != 4 && layout.bits != 8)) {
    return BadImage("found a BMP with compressed pixels, expected an uncompressed one");
  }
  if (has_masks) {
    for (size_t c = 0; c < 3; ++c) {
      layout.masks[c] = LittleEndian(bytes, kFileHeaderBytes + kInfoHeaderBytes + 4 * c, 4);
    }
  } else if (layout.bits == 16) {
    layout.masks = {0x7c00, 0x03e0, 0x001f};
  } else {
    layout.masks = {0xff0000, 0xff00, 0xff};
  }
  if (layout.size.width <= 0 || layout.size.height == 0) return BadImage("the BMP has no pixels");
  layout.stride = (static_cast<size_t>(layout.size.width) * layout.bits + 31) / 32 * 4;
  const size_t room = layout.pixels < bytes.size() ? bytes.size() - layout.pixels : 0;
  if (room / layout.stride < static_cast<size_t>(layout.size.height)) {
    return BadImage("the BMP is damaged or cut short");
  }
  return layout;
}

absl::StatusOr<ImageHeader> InspectBmp(std::string_view bytes) {
  STROP_ASSIGN_OR_RETURN(const Layout layout, LayoutOf(bytes));
  return ImageHeader{layout.size};
}

// The masked bits, stretched to 0 to 255.
uint8_t Channel(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  return static_cast<uint8_t>(uint64_t{(pixel & mask) >> shift} * 255 / (mask >> shift));
}

absl::StatusOr<Image> DecodeBmp(std::string_view bytes) {
  STROP_ASSIGN_OR_RETURN(const Layout layout, LayoutOf(bytes));
  Image image = BlankImage(layout.size, 3);
  uint8_t* out = image.pixels.data();
  for (int64_t y = 0; y < image.height; ++y) {
    const auto row = static_cast<size_t>(layout.is_top_down ? y : image.height - 1 - y);
    const size_t begin = layout.pixels + row * layout.stride;
    for (int64_t x = 0; x < image.width; ++x) {
      const size_t bit = static_cast<size_t>(x) * layout.bits;
      if (layout.bits >= 16) {
        const uint32_t pixel = LittleEndian(bytes, begin + bit / 8, layout.bits / 8);
        for (const uint32_t mask : layout.masks) *out++ = Channel(pixel, mask);
        continue;
      }
      const uint32_t byte = LittleEndian(bytes, begin + bit / 8, 1);
      const uint32_t index = byte >> (8 - layout.bits - bit % 8) & ((1u << layout.bits) - 1);
      const size_t entry = layout.palette + index * layout.palette_entry;
      for (size_t c = 0; c < 3; ++c) {
        *out++ = static_cast<uint8_t>(LittleEndian(bytes, entry + 2 - c, 1));
      }
    }
  }
  return image;
}

}  // namespace

const ImageCodec kBmpCodec = {IsBmp, InspectBmp, DecodeBmp};

}  // namespace strop
