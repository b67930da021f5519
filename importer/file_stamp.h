#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace strop {

// Which file this is, and in which state: equal stamps, the same content.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  int64_t size = 0;
  int64_t modified_nanoseconds = 0;

  FileStamp() = default;
  explicit FileStamp(const struct stat& status)
      : device(status.st_dev),
        inode(status.st_ino),
        size(status.st_size),
        modified_nanoseconds(static_cast<int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                             status.st_mtim.tv_nsec) {}

  bool operator==(const FileStamp&) const = default;
  bool IsSameFile(const FileStamp& other) const {
    return device == other.device && inode == other.inode;
  }
};

}  // namespace strop
