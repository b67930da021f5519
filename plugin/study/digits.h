#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "plugin/data/data_source.h"

namespace strop {

// The handwritten digits of models/data, which the program carries: "x" float32 [64], pixels from 0
// to 1, and "target" int64, 1,797 of them.
absl::StatusOr<std::shared_ptr<DataSource>> Digits();

}  // namespace strop
