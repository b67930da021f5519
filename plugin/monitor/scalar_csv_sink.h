#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/monitor/record_sink.h"

namespace strop {

// The scalars alone, one number per row: step,epoch,time,tag,value. `resume` as for OpenJsonLines.
absl::StatusOr<std::unique_ptr<RecordSink>> OpenScalarCsv(const std::string& path,
                                                          const std::optional<ResumePoint>& resume);

}  // namespace strop
