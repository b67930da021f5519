#include "importer/model_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace strop {
namespace {

absl::Status Unreadable(const std::string& path, const std::string& found) {
  return absl::NotFoundError(
      absl::StrCat("model file \"", path, "\": ", found, "; check the path"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelFile>> ModelFile::Open(const std::string& path) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return Unreadable(path, std::strerror(errno));
  std::shared_ptr<ModelFile> file(new ModelFile(path));
  file->descriptor_ = descriptor;
  struct stat status = {};
  if (fstat(descriptor, &status) != 0) return Unreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return Unreadable(path, "not a regular file");
  file->stamp_ = FileStamp(status);
  // Asked of the descriptor: a link that is changed now does not say of this file where it lies.
  std::error_code error;
  file->real_path_ =
      std::filesystem::canonical(absl::StrCat("/proc/self/fd/", descriptor), error).string();
  return file;
}

std::shared_ptr<const ModelFile> ModelFile::FromBytes(std::string bytes, std::string path) {
  std::shared_ptr<ModelFile> file(new ModelFile(std::move(path)));
  file->bytes_ = std::make_shared<const std::string>(std::move(bytes));
  return file;
}

std::shared_ptr<const ModelFile> ModelFile::FromBytes(std::string bytes,
                                                      const ModelFile& original) {
  std::shared_ptr<ModelFile> file(new ModelFile(original.path_));
  file->real_path_ = original.real_path_;
  file->bytes_ = std::make_shared<const std::string>(std::move(bytes));
  return file;
}

ModelFile::~ModelFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

absl::StatusOr<std::shared_ptr<const std::string>> ModelFile::Read() const {
  if (bytes_ != nullptr) return bytes_;
  const absl::Status changed = absl::DataLossError(
      absl::StrCat("model file \"", path_,
                   "\" has changed since it was opened; leave it alone while it trains"));
  auto bytes = std::make_shared<std::string>(static_cast<size_t>(stamp_.size), '\0');
  size_t done = 0;
  while (done < bytes->size()) {
    const ssize_t count =
        pread(descriptor_, bytes->data() + done, bytes->size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return absl::DataLossError(
          absl::StrCat("cannot read model file \"", path_, "\": ", std::strerror(errno)));
    }
    if (count == 0) return changed;
    done += static_cast<size_t>(count);
  }
  struct stat status = {};
  if (fstat(descriptor_, &status) != 0 || FileStamp(status) != stamp_) return changed;
  return bytes;
}

}  // namespace strop
