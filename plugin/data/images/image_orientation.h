#pragma once

#include <string_view>

#include "plugin/data/images/image.h"

namespace strop {

// The orientation, 1 to 8, in EXIF data: a TIFF file, or such a one behind "Exif\0\0"; 1 where
// there is none.
int ExifOrientation(std::string_view exif);

// Turns a picture that is stored in that orientation, as Pillow's exif_transpose does.
Image Upright(Image image, int orientation);

// True where that swaps height and width.
inline bool SwapsSides(int orientation) { return orientation >= 5; }

}  // namespace strop
