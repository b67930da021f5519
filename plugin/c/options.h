#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "plugin/options/table/option_texts.h"
#include "strop/strop.h"

namespace strop {

// The options of a list. UsageError for NULL where there should be something.
absl::StatusOr<OptionTexts> TakeOptions(const strop_option* options, size_t count);

}  // namespace strop
