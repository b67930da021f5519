#include "plugin/data/data_file.h"

#include <fcntl.h>
#include <sys/mman.h>
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
  const auto size = static_cast<size_t>(status.st_size);
  void* data = nullptr;
  if (size > 0) data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int error = errno;
  close(descriptor);
  if (data == MAP_FAILED) {
    return absl::DataLossError(
        absl::StrCat("data: \"", path, "\": cannot be mapped: ", strerror(error)));
  }
  return std::shared_ptr<const DataFile>(new DataFile(static_cast<const char*>(data), size));
}

DataFile::~DataFile() {
  if (size_ > 0) munmap(const_cast<char*>(data_), size_);
}

}  // namespace strop
