#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "plugin/monitor/log_file.h"

namespace strop {

// TensorFlow's record format, one serialized event after another: its length (uint64), the masked
// CRC-32C of the length, the bytes, their masked CRC-32C; numbers little-endian. Source:
// tensorflow/core/lib/io/record_writer.h.
class EventFile {
 public:
  static absl::StatusOr<EventFile> Create(const std::string& path);

  absl::Status Append(std::string_view event);
  absl::Status Flush() { return file_.Flush(); }

 private:
  explicit EventFile(LogFile file) : file_(std::move(file)) {}

  LogFile file_;
};

}  // namespace strop
