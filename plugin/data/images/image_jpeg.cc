// JPEG, by libjpeg.

#include <cstddef>
#include <cstdio>
// It needs the two above.
#include <jpeglib.h>
// The codes of its warnings.
#include <jerror.h>

#include <csetjmp>
#include <memory>
#include <string>

#include "plugin/data/arrays/byte_order.h"
#include "plugin/data/images/image_codec.h"
#include "plugin/data/images/image_orientation.h"

namespace strop {
namespace {

bool IsJpeg(std::string_view bytes) { return bytes.starts_with("\xff\xd8\xff"); }

// ---- The segments before the pixels: 0xff, a marker, the length of what follows.

bool IsFrameHeader(uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

bool HasSegment(uint8_t marker) {
  return marker != 0x01 && !(marker >= 0xd0 && marker <= 0xd8) && marker != 0xff && marker != 0;
}

absl::StatusOr<ImageHeader> InspectJpeg(std::string_view bytes) {
  ImageHeader header;
  size_t at = 2;
  while (true) {
    at = bytes.find('\xff', at);
    if (at == std::string_view::npos || at + 4 > bytes.size()) break;
    const auto marker = static_cast<uint8_t>(bytes[++at]);
    if (!HasSegment(marker)) continue;
    ++at;
    const size_t length = BigEndian(bytes, at, 2);
    if (length < 2 || length > bytes.size() - at) break;
    const std::string_view segment = bytes.substr(at + 2, length - 2);
    if (IsFrameHeader(marker)) {
      header.size = {BigEndian(segment, 1, 2), BigEndian(segment, 3, 2)};
    } else if (marker == 0xe1 && header.orientation == 1) {
      header.orientation = ExifOrientation(segment);
    } else if (marker == 0xda) {
      // Between the scan's bytes 0xff is never followed by the end's marker.
      const size_t end = bytes.rfind("\xff\xd9");
      if (end == std::string_view::npos || end < at) break;
      return header;
    }
    at += length;
  }
  return BadImage("the JPEG is damaged or cut short");
}

// ---- libjpeg reports errors through longjmp: nothing with a destructor lives in between.

struct JpegErrors {
  jpeg_error_mgr manager;  // first: libjpeg hands its address back
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool is_damaged;
};

[[noreturn]] void JumpOnError(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->manager.format_message(info, errors->message);
  longjmp(errors->jump, 1);
}

void PrintNothing(j_common_ptr) {}

// A file that ends early only warns; what is missing would be grey. Bytes too many, as cameras and
// editors leave them, and doubts about metadata touch no pixel.
void JudgeWarning(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA:
      return;
    default:
      reinterpret_cast<JpegErrors*>(info->err)->is_damaged = true;
  }
}

bool StartJpeg(jpeg_decompress_struct& info, JpegErrors& errors, std::string_view bytes) {
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = JumpOnError;
  errors.manager.emit_message = JudgeWarning;
  errors.manager.output_message = PrintNothing;
  if (setjmp(errors.jump) != 0) return false;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = info.num_components == 1   ? JCS_GRAYSCALE
                         : info.num_components == 4 ? JCS_CMYK
                                                    : JCS_RGB;
  jpeg_start_decompress(&info);
  return true;
}

bool ReadJpegRows(jpeg_decompress_struct& info, JpegErrors& errors, uint8_t* pixels) {
  if (setjmp(errors.jump) != 0) return false;
  const size_t row_bytes = size_t{info.output_width} * static_cast<size_t>(info.output_components);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + info.output_scanline * row_bytes;
    jpeg_read_scanlines(&info, &row, 1);
  }
  return !errors.is_damaged;
}

// Inks as Adobe stores them, 255 for none, into light as Pillow computes it.
Image FromInks(const Image& inks) {
  Image light = BlankImage({inks.height, inks.width}, 3);
  for (size_t i = 0; i < light.pixels.size(); ++i) {
    const uint8_t* pixel = &inks.pixels[i / 3 * 4];
    const uint32_t black = pixel[3];
    const uint32_t product = (255u - pixel[i % 3]) * black + 128;
    light.pixels[i] = static_cast<uint8_t>(black - ((product + (product >> 8)) >> 8));
  }
  return light;
}

absl::StatusOr<Image> DecodeJpeg(std::string_view bytes) {
  jpeg_decompress_struct info = {};
  JpegErrors errors = {};
  const auto destroy = [](jpeg_decompress_struct* used) { jpeg_destroy_decompress(used); };
  const std::unique_ptr<jpeg_decompress_struct, decltype(destroy)> guard(&info, destroy);
  if (!StartJpeg(info, errors, bytes)) {
    return BadImage(std::string("the JPEG cannot be decoded: ") + errors.message);
  }
  Image image = BlankImage({info.output_height, info.output_width}, info.output_components);
  if (!ReadJpegRows(info, errors, image.pixels.data())) {
    return BadImage("the JPEG is damaged or cut short");
  }
  return image.channels == 4 ? FromInks(image) : std::move(image);
}

}  // namespace

const ImageCodec kJpegCodec = {IsJpeg, InspectJpeg, DecodeJpeg};

}  // namespace strop
