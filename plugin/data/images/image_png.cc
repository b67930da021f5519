// PNG, by libpng.

#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "plugin/data/arrays/byte_order.h"
#include "plugin/data/images/image_codec.h"
#include "plugin/data/images/image_orientation.h"

namespace strop {
namespace {

constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";

bool IsPng(std::string_view bytes) { return bytes.starts_with(kSignature.substr(0, 4)); }

// Walks over the chunks: length, four letters, contents, checksum.
absl::StatusOr<ImageHeader> InspectPng(std::string_view bytes) {
  ImageHeader header;
  size_t at = kSignature.size();
  while (at + 12 <= bytes.size()) {
    const size_t length = BigEndian(bytes, at, 4);
    if (length > bytes.size() - at - 12) break;
    const std::string_view name = bytes.substr(at + 4, 4);
    const std::string_view contents = bytes.substr(at + 8, length);
    if (name == "IHDR") header.size = {BigEndian(contents, 4, 4), BigEndian(contents, 0, 4)};
    if (name == "eXIf") header.orientation = ExifOrientation(contents);
    if (name == "IEND") return header;
    at += length + 12;
  }
  return BadImage("the PNG is damaged or cut short");
}

// ---- libpng reports errors through longjmp: nothing with a destructor lives in between.

struct PngReader {
  explicit PngReader(std::string_view file) : bytes(file) {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }

  std::string_view bytes;
  png_structp png = nullptr;
  png_infop info = nullptr;
  jmp_buf jump = {};
  char message[128] = {};
};

[[noreturn]] void JumpOnError(png_structp png, png_const_charp message) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader->message, sizeof(reader->message), "%s", message);
  longjmp(reader->jump, 1);
}

void IgnoreWarning(png_structp, png_const_charp) {}

void ReadBytes(png_structp png, png_bytep out, png_size_t count) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader->bytes.size()) png_error(png, "the file ends too early");
  std::memcpy(out, reader->bytes.data(), count);
  reader->bytes.remove_prefix(count);
}

// Asks for 8 bits a channel without palette and alpha. Gamma is applied only if it is asked for.
bool StartPng(PngReader& reader) {
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, JumpOnError, IgnoreWarning);
  if (reader.png == nullptr) return false;
  if (setjmp(reader.jump) != 0) return false;
  reader.info = png_create_info_struct(reader.png);
  png_set_read_fn(reader.png, &reader, ReadBytes);
  png_read_info(reader.png, reader.info);
  png_set_expand(reader.png);
  png_set_scale_16(reader.png);
  png_set_strip_alpha(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool ReadPngRows(PngReader& reader, png_bytepp rows) {
  if (setjmp(reader.jump) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

absl::StatusOr<Image> DecodePng(std::string_view bytes) {
  PngReader reader(bytes);
  const auto failed = [&] {
    return BadImage(std::string("the PNG cannot be decoded: ") + reader.message);
  };
  if (!StartPng(reader)) return failed();
  const int64_t height = png_get_image_height(reader.png, reader.info);
  const int64_t width = png_get_image_width(reader.png, reader.info);
  Image image = BlankImage({height, width}, png_get_channels(reader.png, reader.info));
  std::vector<png_bytep> rows;
  for (int64_t y = 0; y < height; ++y) {
    rows.push_back(image.pixels.data() + y * width * image.channels);
  }
  if (!ReadPngRows(reader, rows.data())) return failed();
  return image;
}

}  // namespace

const ImageCodec kPngCodec = {IsPng, InspectPng, DecodePng};

}  // namespace strop
