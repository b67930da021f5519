#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace strop {

// A file that appears under its name only when it is complete: written under a temporary name in
// the same folder, flushed to the disk, renamed. Whatever stood there before stays whole until
// then. A file that is never committed leaves nothing behind. A link stays a link: the file that it
// names is replaced.
class AtomicFile {
 public:
  // PermissionDenied when no file can be created there: folder missing or read-only, or the name
  // belongs to something that is no regular file.
  static absl::StatusOr<AtomicFile> Create(const std::string& path);
  // For CommitNew, under this name or another in the folder: what has the name now does not matter.
  static absl::StatusOr<AtomicFile> CreateNew(const std::string& path);

  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  // ResourceExhausted when the disk is full, DataLoss for other failures.
  absl::Status Append(std::string_view bytes);
  absl::Status WriteAt(size_t offset, std::string_view bytes);

  // Ends the writing: of many files that wait for their names, none holds a descriptor.
  absl::Status Close();
  // The same, with the bytes forced to the disk, so that Commit can hardly fail.
  absl::Status Flush();
  // Gives the file its name. Call Flush first.
  absl::Status Commit();
  // Another name in the same folder, where nothing has it yet: AlreadyExists if something does.
  // After Close too: whoever makes many files forces them to the disk together.
  absl::Status CommitNew(const std::string& path);

 private:
  AtomicFile(std::string path, std::string temporary_path, int descriptor)
      : path_(std::move(path)),
        temporary_path_(std::move(temporary_path)),
        descriptor_(descriptor) {}

  static absl::StatusOr<AtomicFile> CreateBeside(const std::string& target,
                                                 const std::string& path);
  absl::Status WriteFailed(int error) const;

  std::string path_;
  std::string temporary_path_;  // empty once committed
  int descriptor_ = -1;
  size_t size_ = 0;
};

// Copies a regular file; `to` appears when it is complete.
absl::Status CopyFile(const std::string& from, const std::string& to);

// Whether AtomicFile could create that path, without trying: for a check before hours of training.
absl::Status CheckCanCreate(const std::string& path);

// The file that `path` names in the end when it is a link; that may be missing.
std::string FollowLinks(const std::string& path);

}  // namespace strop
