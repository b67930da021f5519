#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "plugin/data/data_source.h"
#include "plugin/monitor/record.h"

namespace strop {

// The first samples of image data side by side, their numbers stretched to the full range of grey
// or colour; nothing for data that holds no images.
absl::StatusOr<std::optional<PngImage>> DrawSamples(DataSource& data);

}  // namespace strop
