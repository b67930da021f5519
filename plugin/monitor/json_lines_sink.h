#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/monitor/record_sink.h"

namespace strop {

// Every record as a line of a file (record_line.h). With `resume` the file goes on, without the lines that are
// superseded; else it begins anew.
absl::StatusOr<std::unique_ptr<RecordSink>> OpenJsonLines(const std::string& path,
                                                          const std::optional<ResumePoint>& resume);

}  // namespace strop
