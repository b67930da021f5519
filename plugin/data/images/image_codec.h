#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "plugin/data/images/image.h"

namespace strop {

// How one kind of picture file is read. The messages of its errors lack the file's name.
struct ImageCodec {
  bool (*recognises)(std::string_view bytes);
  // See InspectImage.
  absl::StatusOr<ImageHeader> (*inspect)(std::string_view bytes);
  // The pixels as stored; for bytes that `inspect` takes, of a size that memory can hold.
  absl::StatusOr<Image> (*decode)(std::string_view bytes);
};

extern const ImageCodec kBmpCodec;
extern const ImageCodec kGifCodec;
extern const ImageCodec kJpegCodec;
extern const ImageCodec kPngCodec;
extern const ImageCodec kPnmCodec;
extern const ImageCodec kTiffCodec;
extern const ImageCodec kWebpCodec;

inline absl::Status BadImage(const std::string& problem) {
  return absl::InvalidArgumentError(problem);
}

inline Image BlankImage(ImageSize size, int64_t channels) {
  Image image{size.height, size.width, channels, {}};
  image.pixels.resize(static_cast<size_t>(size.height * size.width * channels));
  return image;
}

}  // namespace strop
