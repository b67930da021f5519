#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/monitor/record_sink.h"

namespace strop {

// One JSON object without its line's end, as README.md describes.
std::string JsonLineOf(const Record& record);

// Every record as a line of a file. With `resume` the file goes on, without the lines that are
// superseded; else it begins anew.
absl::StatusOr<std::unique_ptr<RecordSink>> OpenJsonLines(const std::string& path,
                                                          const std::optional<ResumePoint>& resume);

}  // namespace strop
