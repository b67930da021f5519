#include "plugin/data/image.h"

#include <jpeglib.h>
#include <png.h>

#include <csetjmp>
#include <memory>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/data_file.h"

namespace strop {
namespace {

constexpr int64_t kMaximumPixels = int64_t{1} << 28;

absl::Status Invalid(const std::string& path, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("data: \"", path, "\": ", problem));
}

absl::Status CheckSize(const std::string& path, int64_t height, int64_t width) {
  if (height > 0 && width > 0 && height <= kMaximumPixels / width) return absl::OkStatus();
  return Invalid(path, absl::StrCat("found an image of ", height, "x", width,
                                    ", expected at most 2^28 pixels"));
}

// ---- JPEG. libjpeg reports errors through longjmp: nothing with a destructor lives in between.

struct JpegErrors {
  jpeg_error_mgr manager;  // first: libjpeg hands its address back
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void JumpOnError(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->manager.format_message(info, errors->message);
  longjmp(errors->jump, 1);
}

void PrintNothing(j_common_ptr) {}

bool StartJpeg(jpeg_decompress_struct& info, JpegErrors& errors, std::string_view bytes) {
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = JumpOnError;
  errors.manager.output_message = PrintNothing;
  if (setjmp(errors.jump) != 0) return false;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
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
  // A file that ends early only warns; what is missing would be grey.
  return errors.manager.num_warnings == 0;
}

absl::StatusOr<Image> DecodeJpeg(const std::string& path, std::string_view bytes) {
  jpeg_decompress_struct info = {};
  JpegErrors errors = {};
  const auto destroy = [](jpeg_decompress_struct* used) { jpeg_destroy_decompress(used); };
  const std::unique_ptr<jpeg_decompress_struct, decltype(destroy)> guard(&info, destroy);
  if (!StartJpeg(info, errors, bytes)) {
    return Invalid(path, absl::StrCat("the JPEG cannot be decoded: ", errors.message));
  }
  STROP_RETURN_IF_ERROR(CheckSize(path, info.output_height, info.output_width));
  Image image{info.output_height, info.output_width, info.output_components, {}};
  image.pixels.resize(static_cast<size_t>(image.height * image.width * image.channels));
  if (!ReadJpegRows(info, errors, image.pixels.data())) {
    return Invalid(path, "the JPEG is damaged or cut short");
  }
  return image;
}

// ---- PNG

absl::StatusOr<Image> DecodePng(const std::string& path, std::string_view bytes) {
  png_image header = {};
  header.version = PNG_IMAGE_VERSION;
  const auto release = [](png_image* used) { png_image_free(used); };
  const std::unique_ptr<png_image, decltype(release)> guard(&header, release);
  if (png_image_begin_read_from_memory(&header, bytes.data(), bytes.size()) == 0) {
    return Invalid(path, absl::StrCat("the PNG cannot be decoded: ", header.message));
  }
  STROP_RETURN_IF_ERROR(CheckSize(path, header.height, header.width));
  const bool is_color = (header.format & PNG_FORMAT_FLAG_COLOR) != 0;
  header.format = is_color ? PNG_FORMAT_RGBA : PNG_FORMAT_GA;
  std::vector<uint8_t> with_alpha(PNG_IMAGE_SIZE(header));
  if (png_image_finish_read(&header, nullptr, with_alpha.data(), 0, nullptr) == 0) {
    return Invalid(path, absl::StrCat("the PNG cannot be decoded: ", header.message));
  }
  Image image{header.height, header.width, is_color ? 3 : 1, {}};
  const auto channels = static_cast<size_t>(image.channels);
  image.pixels.resize(with_alpha.size() / (channels + 1) * channels);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = with_alpha[i / channels * (channels + 1) + i % channels];
  }
  return image;
}

}  // namespace

absl::StatusOr<Image> DecodeImage(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const DataFile> file, DataFile::Open(path));
  if (file->bytes().starts_with("\xff\xd8\xff")) return DecodeJpeg(path, file->bytes());
  if (file->bytes().starts_with("\x89PNG")) return DecodePng(path, file->bytes());
  return Invalid(path, "found neither a JPEG nor a PNG image");
}

Image WithChannels(Image image, int64_t channels) {
  if (image.channels == channels) return image;
  const auto pixel_count = static_cast<size_t>(image.height * image.width);
  Image converted{image.height, image.width, channels, {}};
  converted.pixels.resize(pixel_count * static_cast<size_t>(channels));
  for (size_t i = 0; i < pixel_count; ++i) {
    if (channels == 1) {
      // In 1/65536, as Pillow computes it.
      const uint8_t* pixel = &image.pixels[3 * i];
      converted.pixels[i] = static_cast<uint8_t>(
          (pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16);
    } else {
      for (size_t channel = 0; channel < 3; ++channel) {
        converted.pixels[3 * i + channel] = image.pixels[i];
      }
    }
  }
  return converted;
}

}  // namespace strop
