#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "plugin/monitor/record.h"

namespace strop {

// The record that JsonLineOf made a line of; nothing for a kind that is not read back: the model's
// graph, and kinds of later versions. InvalidArgument for a line that is damaged.
absl::StatusOr<std::optional<Record>> ParseRecordLine(std::string_view line);

}  // namespace strop
