#pragma once

#include "absl/status/statusor.h"
#include "plugin/monitor/record.h"

namespace strop {

// A square a cell, the darker the larger its share of the true class (its row); the count stands in
// it where there is room.
absl::StatusOr<PngImage> DrawConfusionMatrix(const ConfusionMatrix& matrix);

}  // namespace strop
