#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/data_source.h"
#include "plugin/monitor/record.h"

namespace strop {

// The first samples of image data side by side, their numbers stretched to the full range of grey
// or colour; nothing for data that holds no images.
absl::StatusOr<std::optional<PngImage>> DrawSamples(DataSource& data);

// Each sample of a batch, which has a tensor a field, as a picture of about 64 to 128 pixels; empty
// for data that holds no images.
absl::StatusOr<std::vector<PngImage>> DrawEachSample(const std::vector<DataField>& fields,
                                                     absl::Span<const Tensor> batch);

}  // namespace strop
