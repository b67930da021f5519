// The first picture of a TIFF file, by libtiff.

#include <tiffio.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/data/images/image_codec.h"
#include "plugin/data/images/image_orientation.h"

namespace strop {
namespace {

bool IsTiff(std::string_view bytes) {
  return bytes.starts_with(std::string_view("II*\0", 4)) ||
         bytes.starts_with(std::string_view("MM\0*", 4));
}

// ---- libtiff's way to read from memory

struct Memory {
  std::string_view bytes;
  size_t position = 0;
};

tmsize_t Read(thandle_t handle, void* out, tmsize_t count) {
  auto* memory = static_cast<Memory*>(handle);
  const size_t left = memory->bytes.size() - std::min(memory->position, memory->bytes.size());
  const size_t got = std::min(left, static_cast<size_t>(count));
  if (got > 0) std::memcpy(out, memory->bytes.data() + memory->position, got);
  memory->position += got;
  return static_cast<tmsize_t>(got);
}

tmsize_t RefuseWrite(thandle_t, void*, tmsize_t) { return -1; }

toff_t Seek(thandle_t handle, toff_t offset, int whence) {
  auto* memory = static_cast<Memory*>(handle);
  if (whence == SEEK_CUR) offset += memory->position;
  if (whence == SEEK_END) offset += memory->bytes.size();
  memory->position = offset;
  return offset;
}

int Close(thandle_t) { return 0; }

toff_t Size(thandle_t handle) { return static_cast<Memory*>(handle)->bytes.size(); }

int Map(thandle_t handle, void** data, toff_t* size) {
  const std::string_view bytes = static_cast<Memory*>(handle)->bytes;
  *data = const_cast<char*>(bytes.data());
  *size = bytes.size();
  return 1;
}

void Unmap(thandle_t, void*, toff_t) {}

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using Tiff = std::unique_ptr<TIFF, CloseTiff>;

absl::StatusOr<Tiff> Open(Memory& memory) {
  // Its messages would go to stderr.
  static const bool is_silent = [] {
    TIFFSetErrorHandler(nullptr);
    TIFFSetWarningHandler(nullptr);
    return true;
  }();
  static_cast<void>(is_silent);
  Tiff tiff(TIFFClientOpen("", "r", &memory, Read, RefuseWrite, Seek, Close, Size, Map, Unmap));
  if (tiff == nullptr) return BadImage("the TIFF is damaged or cut short");
  return tiff;
}

// Whether all strips or tiles lie in the file.
bool IsWhole(TIFF* tiff, uint64_t file_bytes) {
  const uint32_t count =
      TIFFIsTiled(tiff) != 0 ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  if (count > file_bytes) return false;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t offset = TIFFGetStrileOffset(tiff, i);
    if (offset > file_bytes || TIFFGetStrileByteCount(tiff, i) > file_bytes - offset) return false;
  }
  return true;
}

ImageSize SizeOf(TIFF* tiff) {
  uint32_t width = 0;
  uint32_t height = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  return {height, width};
}

absl::StatusOr<ImageHeader> InspectTiff(std::string_view bytes) {
  Memory memory{bytes};
  STROP_ASSIGN_OR_RETURN(const Tiff tiff, Open(memory));
  if (!IsWhole(tiff.get(), bytes.size())) return BadImage("the TIFF is damaged or cut short");
  char problem[1024] = {};
  if (TIFFRGBAImageOK(tiff.get(), problem) == 0) {
    return BadImage(std::string("the TIFF cannot be decoded: ") + problem);
  }
  return ImageHeader{SizeOf(tiff.get()), ExifOrientation(bytes)};
}

uint16_t FieldOf(TIFF* tiff, uint32_t tag) {
  uint16_t value = 0;
  TIFFGetFieldDefaulted(tiff, tag, &value);
  return value;
}

bool IsGrey(TIFF* tiff) {
  const uint16_t meaning = FieldOf(tiff, TIFFTAG_PHOTOMETRIC);
  return meaning == PHOTOMETRIC_MINISBLACK || meaning == PHOTOMETRIC_MINISWHITE;
}

// One grey channel of 16 bits, of which libtiff would drop the lower eight.
absl::StatusOr<Image> DecodeWideGrey(TIFF* tiff, ImageSize size) {
  Image image = BlankImage(size, 1);
  std::vector<uint16_t> row(static_cast<size_t>(size.width));
  const bool is_inverted = FieldOf(tiff, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_MINISWHITE;
  uint8_t* out = image.pixels.data();
  for (int64_t y = 0; y < size.height; ++y) {
    if (TIFFReadScanline(tiff, row.data(), static_cast<uint32_t>(y), 0) < 0) {
      return BadImage("the TIFF cannot be decoded");
    }
    for (const uint16_t number : row) {
      const auto pixel = static_cast<uint8_t>((number + 128) / 257);
      *out++ = is_inverted ? static_cast<uint8_t>(255 - pixel) : pixel;
    }
  }
  return image;
}

bool IsWideGrey(TIFF* tiff) {
  return IsGrey(tiff) && FieldOf(tiff, TIFFTAG_BITSPERSAMPLE) == 16 &&
         FieldOf(tiff, TIFFTAG_SAMPLESPERPIXEL) == 1 &&
         FieldOf(tiff, TIFFTAG_SAMPLEFORMAT) == SAMPLEFORMAT_UINT && TIFFIsTiled(tiff) == 0 &&
         TIFFScanlineSize(tiff) == 2 * SizeOf(tiff).width;
}

// CMYK becomes light by libtiff's formula, which is within 1 of Pillow's.
absl::StatusOr<Image> DecodeTiff(std::string_view bytes) {
  Memory memory{bytes};
  STROP_ASSIGN_OR_RETURN(const Tiff tiff, Open(memory));
  const ImageSize size = SizeOf(tiff.get());
  if (IsWideGrey(tiff.get())) return DecodeWideGrey(tiff.get(), size);
  // Colours as they are, not multiplied by alpha; rows as stored, which Upright turns.
  const uint16_t meaning_of_extra[] = {EXTRASAMPLE_UNSPECIFIED};
  uint16_t extra_count = 0;
  const uint16_t* extra = nullptr;
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
  if (extra_count == 1) TIFFSetField(tiff.get(), TIFFTAG_EXTRASAMPLES, 1, meaning_of_extra);
  TIFFSetField(tiff.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  std::vector<uint32_t> pixels(static_cast<size_t>(size.height * size.width));
  if (TIFFReadRGBAImageOriented(tiff.get(), static_cast<uint32_t>(size.width),
                                static_cast<uint32_t>(size.height), pixels.data(),
                                ORIENTATION_TOPLEFT, 1) == 0) {
    return BadImage("the TIFF cannot be decoded");
  }
  Image image = BlankImage(size, IsGrey(tiff.get()) ? 1 : 3);
  uint8_t* out = image.pixels.data();
  for (const uint32_t pixel : pixels) {
    *out++ = static_cast<uint8_t>(TIFFGetR(pixel));
    if (image.channels == 1) continue;
    *out++ = static_cast<uint8_t>(TIFFGetG(pixel));
    *out++ = static_cast<uint8_t>(TIFFGetB(pixel));
  }
  return image;
}

}  // namespace

const ImageCodec kTiffCodec = {IsTiff, InspectTiff, DecodeTiff};

}  // namespace strop
