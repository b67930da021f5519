#include "plugin/data/images/image.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/data_file.h"
#include "plugin/data/images/image_codec.h"
#include "plugin/data/images/image_orientation.h"

namespace strop {
namespace {

constexpr int64_t kMaximumPixels = int64_t{1} << 28;

const ImageCodec* CodecFor(std::string_view bytes) {
  for (const ImageCodec* codec :
       {&kJpegCodec, &kPngCodec, &kBmpCodec, &kGifCodec, &kPnmCodec, &kTiffCodec, &kWebpCodec}) {
    if (codec->recognises(bytes)) return codec;
  }
  return nullptr;
}

absl::Status Naming(const std::string& path, const absl::Status& status) {
  return {status.code(), absl::StrCat("data: \"", path, "\": ", std::string(status.message()))};
}

absl::StatusOr<ImageHeader> Inspect(const ImageCodec& codec, std::string_view bytes) {
  STROP_ASSIGN_OR_RETURN(const ImageHeader header, codec.inspect(bytes));
  const auto [height, width] = header.size;
  if (height > 0 && width > 0 && height <= kMaximumPixels / width) return header;
  return BadImage(
      absl::StrCat("found an image of ", height, "x", width, ", expected at most 2^28 pixels"));
}

absl::StatusOr<Image> Decode(std::string_view bytes, Orientation orientation) {
  const ImageCodec* codec = CodecFor(bytes);
  if (codec == nullptr) return BadImage("found no picture of a known format");
  STROP_ASSIGN_OR_RETURN(const ImageHeader header, Inspect(*codec, bytes));
  STROP_ASSIGN_OR_RETURN(Image image, codec->decode(bytes));
  if (orientation == Orientation::kAsStored) return image;
  return Upright(std::move(image), header.orientation);
}

}  // namespace

bool IsPicture(std::string_view bytes) { return CodecFor(bytes) != nullptr; }

absl::StatusOr<std::optional<ImageHeader>> InspectImage(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const DataFile> file, DataFile::Open(path));
  const ImageCodec* codec = CodecFor(file->bytes());
  if (codec == nullptr) return std::nullopt;
  const absl::StatusOr<ImageHeader> header = Inspect(*codec, file->bytes());
  if (!header.ok()) return Naming(path, header.status());
  return *header;
}

absl::StatusOr<Image> DecodeImage(const std::string& path, Orientation orientation) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const DataFile> file, DataFile::Open(path));
  absl::StatusOr<Image> image = Decode(file->bytes(), orientation);
  if (!image.ok()) return Naming(path, image.status());
  return image;
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
