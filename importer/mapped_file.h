#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "importer/file_stamp.h"

namespace strop {

struct MappedRegion;

// A file's bytes, mapped read-only; no descriptor stays open. Where a file becomes shorter
// meanwhile, reading what is gone would end the program by SIGBUS: here it reads as zeros, and
// CheckMappedFiles tells of it. A file that another replaces under its name stays as it was.
class MappedFile {
 public:
  // DataLoss when it cannot be mapped. The descriptor, of a regular file, stays the caller's.
  static absl::StatusOr<std::shared_ptr<const MappedFile>> Map(int descriptor, std::string path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::string_view bytes() const { return {data_, size_}; }
  // Whether `path` leads to this very file.
  bool IsAt(const std::string& path) const;

  // DataLoss when somebody has written to the file since it was mapped, or lost bytes were read.
  absl::Status CheckUnchanged() const;

 private:
  MappedFile(std::string path, const FileStamp& stamp) : path_(std::move(path)), stamp_(stamp) {}

  std::string path_;
  FileStamp stamp_;
  const char* data_ = nullptr;
  size_t size_ = 0;
  MappedRegion* region_ = nullptr;
};

// DataLoss when bytes were read that some mapped file had lost: zeros came in their place.
absl::Status CheckMappedFiles();

}  // namespace strop
