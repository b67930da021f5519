#include "exporter/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

absl::Status CannotCreate(const std::string& path, const std::string& found) {
  return absl::PermissionDeniedError(absl::StrCat("cannot create \"", path, "\": ", found,
                                                  "; choose a place where you may write"));
}

std::string FolderOf(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

// The file that the links name in the end, which may be missing; `visit` sees every name on the
// way.
template <typename Visit>
fs::path WalkLinks(const std::string& path, const Visit& visit) {
  constexpr int kMostLinks = 40;  // as Linux
  fs::path resolved = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks; ++i) {
    visit(resolved);
    if (!fs::is_symlink(resolved, error)) break;
    resolved = resolved.parent_path() / fs::read_symlink(resolved, error);
  }
  return resolved;
}

// /dev/stdout, /dev/fd/3: what a process has open, of which the name is the kernel's.
bool NamesOpenFile(const std::string& path) {
  bool is_kernels = false;
  WalkLinks(path, [&is_kernels](const fs::path& name) {
    std::error_code error;
    const fs::path folder = fs::canonical(FolderOf(name.string()), error);
    is_kernels |= !error && folder.string().starts_with("/proc/");
  });
  return is_kernels;
}

}  // namespace

std::string FollowLinks(const std::string& path) {
  return WalkLinks(path, [](const fs::path&) {}).string();
}

absl::Status CheckCanCreate(const std::string& path) {
  struct stat status = {};
  const bool exists = stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) return CannotCreate(path, "found a folder of that name");
  if (NamesOpenFile(path) || (exists && !S_ISREG(status.st_mode))) {
    return CannotCreate(path, "found a device, pipe or stream, expected a file");
  }
  const std::string folder = FolderOf(FollowLinks(path));
  if (stat(folder.c_str(), &status) != 0) return CannotCreate(path, std::strerror(errno));
  if (!S_ISDIR(status.st_mode)) return CannotCreate(path, "its folder is none");
  if (access(folder.c_str(), W_OK | X_OK) != 0) return CannotCreate(path, std::strerror(errno));
  return absl::OkStatus();
}

absl::StatusOr<AtomicFile> AtomicFile::Create(const std::string& path) {
  STROP_RETURN_IF_ERROR(CheckCanCreate(path));
  return CreateBeside(FollowLinks(path), path);
}

absl::StatusOr<AtomicFile> AtomicFile::CreateNew(const std::string& path) {
  return CreateBeside(path, path);
}

absl::StatusOr<AtomicFile> AtomicFile::CreateBeside(const std::string& target,
                                                    const std::string& path) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::string temporary = absl::StrCat(target, ".", getpid(), "-", attempt, ".part");
    const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) return AtomicFile(target, temporary, descriptor);
    if (errno == ENOSPC || errno == EDQUOT) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "cannot create \"", path, "\": ", std::strerror(errno), "; free some space"));
    }
    if (errno != EEXIST) break;
  }
  return CannotCreate(path, std::strerror(errno));
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_path_(std::exchange(other.temporary_path_, "")),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_path_.empty()) unlink(temporary_path_.c_str());
}

absl::Status AtomicFile::Append(std::string_view bytes) {
  STROP_RETURN_IF_ERROR(WriteAt(size_, bytes));
  size_ += bytes.size();
  return absl::OkStatus();
}

absl::Status AtomicFile::WriteAt(size_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return WriteFailed(errno);
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::Close() {
  if (close(std::exchange(descriptor_, -1)) != 0) return WriteFailed(errno);
  return absl::OkStatus();
}

absl::Status AtomicFile::Flush() {
  if (fsync(descriptor_) != 0) return WriteFailed(errno);
  return Close();
}

absl::Status AtomicFile::Commit() {
  if (rename(temporary_path_.c_str(), path_.c_str()) != 0) return WriteFailed(errno);
  temporary_path_.clear();
  const int folder = open(FolderOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {  // some file systems cannot flush a folder; the file itself is safe
    fsync(folder);
    close(folder);
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::CommitNew(const std::string& path) {
  path_ = path;
  int result =
      renameat2(AT_FDCWD, temporary_path_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
  if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {
    // A file system that cannot promise it: nearly the same.
    struct stat status = {};
    const bool is_free = lstat(path.c_str(), &status) != 0 && errno == ENOENT;
    result = is_free ? rename(temporary_path_.c_str(), path.c_str()) : -1;
    if (!is_free) errno = EEXIST;
  }
  if (result != 0 && errno == EEXIST) {
    return absl::AlreadyExistsError(absl::StrCat("\"", path, "\" exists already"));
  }
  if (result != 0) return WriteFailed(errno);
  temporary_path_.clear();
  return absl::OkStatus();
}

absl::Status CopyFile(const std::string& from, const std::string& to) {
  const int source = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (source < 0) {
    return absl::NotFoundError(absl::StrCat("\"", from, "\": ", std::strerror(errno)));
  }
  const absl::Cleanup closing = [source] { close(source); };
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(to));
  std::string piece(size_t{1} << 20, '\0');
  while (true) {
    const ssize_t count = read(source, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return absl::DataLossError(
          absl::StrCat("cannot read \"", from, "\": ", std::strerror(errno)));
    }
    if (count == 0) break;
    STROP_RETURN_IF_ERROR(file.Append({piece.data(), static_cast<size_t>(count)}));
  }
  STROP_RETURN_IF_ERROR(file.Flush());
  return file.Commit();
}

absl::Status AtomicFile::WriteFailed(int error) const {
  const std::string message = absl::StrCat("cannot write \"", path_, "\": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return absl::ResourceExhaustedError(absl::StrCat(message, "; free some space"));
  }
  return absl::DataLossError(absl::StrCat(message, "; check the disk"));
}

}  // namespace strop
