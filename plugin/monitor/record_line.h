#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "plugin/monitor/record.h"

namespace strop {

// One JSON object without its line's end, as README.md describes.
std::string JsonLineOf(const Record& record);

// The record that JsonLineOf made a line of; nothing for a kind of a later version. Keys that are
// not known are skipped. InvalidArgument for a line that is damaged.
absl::StatusOr<std::optional<Record>> ParseRecordLine(std::string_view line);

}  // namespace strop
