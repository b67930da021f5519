#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace strop {

// A file that grows at its end. Not thread-safe.
class LogFile {
 public:
  // Begins the file anew, or goes on at its end. PermissionDenied when it cannot be opened.
  static absl::StatusOr<LogFile> Create(const std::string& path);
  static absl::StatusOr<LogFile> Continue(const std::string& path);

  // ResourceExhausted when the disk is full, DataLoss for other failures.
  absl::Status Append(std::string_view bytes);
  // Hands what was appended to the operating system.
  absl::Status Flush();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  static absl::StatusOr<LogFile> Open(const std::string& path, const char* mode);
  absl::Status Failure() const;

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

// Leaves only the lines of a file that `keeps` (given without the line's end), replacing it in one
// go; a last line without an end goes too. A missing file is left missing.
absl::Status KeepLines(const std::string& path,
                       const std::function<bool(std::string_view line)>& keeps);

}  // namespace strop
