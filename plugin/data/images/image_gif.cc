// The first frame of a GIF, by giflib.

#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/data/arrays/byte_order.h"
#include "plugin/data/images/image_codec.h"

namespace strop {
namespace {

bool IsGif(std::string_view bytes) {
  return bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a");
}

int ReadBytes(GifFileType* gif, GifByteType* out, int count) {
  auto& rest = *static_cast<std::string_view*>(gif->UserData);
  const size_t got = std::min(rest.size(), static_cast<size_t>(count));
  std::memcpy(out, rest.data(), got);
  rest.remove_prefix(got);
  return static_cast<int>(got);
}

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

// Goes on to the first frame; false where the file ends before it. `backdrop` is the colour that
// counts as transparent, if any does.
bool FindFrame(GifFileType* gif, uint8_t& backdrop) {
  GifRecordType record = UNDEFINED_RECORD_TYPE;
  while (DGifGetRecordType(gif, &record) == GIF_OK) {
    if (record == IMAGE_DESC_RECORD_TYPE) return DGifGetImageDesc(gif) == GIF_OK;
    if (record != EXTENSION_RECORD_TYPE) return false;
    int code = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(gif, &code, &block) != GIF_OK) return false;
    GraphicsControlBlock control;
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
      backdrop = static_cast<uint8_t>(std::max(control.TransparentColor, 0));
    }
    while (block != nullptr) {
      if (DGifGetExtensionNext(gif, &block) != GIF_OK) return false;
    }
  }
  return false;
}

// The frame's rows in the order of an interlaced file.
std::vector<int64_t> RowOrder(int64_t height, bool is_interlaced) {
  std::vector<int64_t> order;
  const auto add = [&](int64_t first, int64_t step) {
    for (int64_t row = first; row < height; row += step) order.push_back(row);
  };
  if (!is_interlaced) {
    add(0, 1);
    return order;
  }
  add(0, 8);
  add(4, 8);
  add(2, 4);
  add(1, 2);
  return order;
}

absl::StatusOr<Image> DecodeGif(std::string_view bytes) {
  const absl::Status damaged = BadImage("the GIF is damaged or cut short");
  const std::unique_ptr<GifFileType, CloseGif> gif(DGifOpen(&bytes, ReadBytes, nullptr));
  uint8_t backdrop = 0;
  if (gif == nullptr || !FindFrame(gif.get(), backdrop)) return damaged;
  const GifImageDesc& frame = gif->Image;
  const ColorMapObject* colors = frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap;
  if (colors == nullptr) return BadImage("the GIF has no colours");
  if (frame.Left < 0 || frame.Top < 0 || frame.Left + frame.Width > gif->SWidth ||
      frame.Top + frame.Height > gif->SHeight) {
    return BadImage("the GIF's frame reaches over its edges");
  }
  const int64_t width = gif->SWidth;
  std::vector<uint8_t> indices(static_cast<size_t>(width * gif->SHeight), backdrop);
  for (const int64_t row : RowOrder(frame.Height, frame.Interlace)) {
    uint8_t* line = indices.data() + (frame.Top + row) * width + frame.Left;
    if (DGifGetLine(gif.get(), line, frame.Width) != GIF_OK) return damaged;
  }
  Image image = BlankImage({gif->SHeight, gif->SWidth}, 3);
  uint8_t* out = image.pixels.data();
  for (const uint8_t index : indices) {
    const bool is_color = index < colors->ColorCount;
    const GifColorType color = is_color ? colors->Colors[index] : GifColorType{0, 0, 0};
    for (const uint8_t channel : {color.Red, color.Green, color.Blue}) *out++ = channel;
  }
  return image;
}

// A GIF says nowhere how long it is: what is there shows as it is decoded.
absl::StatusOr<ImageHeader> InspectGif(std::string_view bytes) {
  const ImageSize size{LittleEndian(bytes, 8, 2), LittleEndian(bytes, 6, 2)};
  STROP_RETURN_IF_ERROR(DecodeGif(bytes).status());
  return ImageHeader{size};
}

}  // namespace

const ImageCodec kGifCodec = {IsGif, InspectGif, DecodeGif};

}  // namespace strop
