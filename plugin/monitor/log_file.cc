#include "plugin/monitor/log_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"

namespace strop {

absl::StatusOr<LogFile> LogFile::Create(const std::string& path) { return Open(path, "wb"); }

absl::StatusOr<LogFile> LogFile::Continue(const std::string& path) { return Open(path, "ab"); }

absl::StatusOr<LogFile> LogFile::Open(const std::string& path, const char* mode) {
  LogFile log;
  log.path_ = path;
  log.file_.reset(std::fopen(path.c_str(), mode));
  if (log.file_ != nullptr) return log;
  return absl::PermissionDeniedError(absl::StrCat("record: cannot open \"", path,
                                                  "\": ", std::strerror(errno),
                                                  "; choose another run directory"));
}

absl::Status LogFile::Append(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size()) {
    return absl::OkStatus();
  }
  return Failure();
}

absl::Status LogFile::Flush() {
  return std::fflush(file_.get()) == 0 ? absl::OkStatus() : Failure();
}

absl::Status LogFile::Failure() const {
  const int error = errno;
  const std::string message =
      absl::StrCat("record: cannot write to \"", path_, "\": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  return absl::DataLossError(message);
}

absl::Status KeepLines(const std::string& path,
                       const std::function<bool(std::string_view line)>& keeps) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(AtomicFile kept, AtomicFile::Create(path));
  std::string line;
  while (std::getline(file, line)) {
    if (file.eof()) break;  // cut short
    if (!keeps(line)) continue;
    line += '\n';
    STROP_RETURN_IF_ERROR(kept.Append(line));
  }
  if (file.bad()) return absl::DataLossError(absl::StrCat("record: cannot read \"", path, "\""));
  STROP_RETURN_IF_ERROR(kept.Flush());
  return kept.Commit();
}

}  // namespace strop
