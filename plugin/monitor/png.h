#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "plugin/data/images/image.h"

namespace strop {

// The bytes of a PNG file. Internal when libpng refuses.
absl::StatusOr<std::string> EncodePng(const Image& image);

}  // namespace strop
