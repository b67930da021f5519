// Portable bit, grey and pixel maps, the binary ones: .pbm, .pgm and .ppm.

#include <cctype>
#include <cmath>

#include "graph/status_macros.h"
#include "plugin/data/arrays/byte_order.h"
#include "plugin/data/images/image_codec.h"

namespace strop {
namespace {

struct Layout {
  ImageSize size;
  int64_t channels = 1;
  uint32_t maximum = 0;  // of a number; 1 in bit maps, where it is black
  bool are_bits = false;
  size_t pixels = 0;  // where they begin

  size_t sample_bytes() const { return maximum > 255 ? 2 : 1; }
  size_t row_bytes() const {
    const auto numbers = static_cast<size_t>(size.width * channels);
    return are_bits ? (numbers + 7) / 8 : numbers * sample_bytes();
  }
};

bool IsSpace(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

bool IsPnm(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '4' && bytes[1] <= '6' &&
         IsSpace(bytes[2]);
}

// The number at `at`, behind blanks and comments; leaves `at` behind it. −1 for none.
int64_t NextNumber(std::string_view bytes, size_t& at) {
  while (at < bytes.size() && (IsSpace(bytes[at]) || bytes[at] == '#')) {
    at = bytes[at] == '#' ? std::min(bytes.find_first_of("\r\n", at), bytes.size()) : at + 1;
  }
  int64_t number = -1;
  for (; at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '9'; ++at) {
    number = std::max<int64_t>(number, 0) * 10 + (bytes[at] - '0');
    if (number > int64_t{1} << 30) return -1;
  }
  return number;
}

absl::StatusOr<Layout> LayoutOf(std::string_view bytes) {
  Layout layout;
  layout.channels = bytes[1] == '6' ? 3 : 1;
  layout.are_bits = bytes[1] == '4';
  size_t at = 2;
  layout.size.width = NextNumber(bytes, at);
  layout.size.height = NextNumber(bytes, at);
  const int64_t maximum = layout.are_bits ? 1 : NextNumber(bytes, at);
  const bool has_end = at < bytes.size() && IsSpace(bytes[at]);
  if (layout.size.width < 1 || layout.size.height < 1 || maximum < 1 || maximum > 65535 ||
      !has_end) {
    return BadImage("the PNM's header cannot be read");
  }
  layout.maximum = static_cast<uint32_t>(maximum);
  layout.pixels = at + 1;
  if ((bytes.size() - layout.pixels) / layout.row_bytes() <
      static_cast<size_t>(layout.size.height)) {
    return BadImage("the PNM is damaged or cut short");
  }
  return layout;
}

absl::StatusOr<ImageHeader> InspectPnm(std::string_view bytes) {
  STROP_ASSIGN_OR_RETURN(const Layout layout, LayoutOf(bytes));
  return ImageHeader{layout.size};
}

absl::StatusOr<Image> DecodePnm(std::string_view bytes) {
  STROP_ASSIGN_OR_RETURN(const Layout layout, LayoutOf(bytes));
  Image image = BlankImage(layout.size, layout.channels);
  size_t at = layout.pixels;
  if (layout.are_bits) {
    for (size_t i = 0; i < image.pixels.size(); ++i) {
      const auto width = static_cast<size_t>(image.width);
      const size_t column = i % width;
      const uint32_t byte = BigEndian(bytes, at + i / width * layout.row_bytes() + column / 8, 1);
      image.pixels[i] = (byte >> (7 - column % 8) & 1) != 0 ? 0 : 255;
    }
    return image;
  }
  for (uint8_t& pixel : image.pixels) {
    const uint32_t found = std::min(BigEndian(bytes, at, layout.sample_bytes()), layout.maximum);
    pixel = static_cast<uint8_t>(std::lrint(found * 255.0 / layout.maximum));
    at += layout.sample_bytes();
  }
  return image;
}

}  // namespace

const ImageCodec kPnmCodec = {IsPnm, InspectPnm, DecodePnm};

}  // namespace strop
