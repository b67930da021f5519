#include "plugin/data/data_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace strop {

absl::StatusOr<std::shared_ptr<const DataFile>> DataFile::Open(const std::string& path) {
  // A pipe that nobody writes to would keep a blocking open waiting.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const std::string message =
        absl::StrCat("data: \"", path, "\": cannot be opened: ", strerror(errno));
    return errno == ENOENT || errno == ENOTDIR ? absl::NotFoundError(message)
                                               : absl::DataLossError(message);
  }
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return absl::InvalidArgumentError(
        absl::StrCat("data: \"", path, "\": found no regular file; give a file"));
  }
  absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Map(descriptor, path);
  close(descriptor);
  if (!file.ok()) {
    return absl::Status(file.status().code(), absl::StrCat("data: ", file.status().message()));
  }
  return std::shared_ptr<const DataFile>(new DataFile(*std::move(file)));
}

}  // namespace strop
