#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "importer/mapped_file.h"

namespace strop {

// A file's bytes, mapped read-only for as long as a tensor or anyone else holds this.
class DataFile {
 public:
  // NotFound for a missing file, DataLoss when it cannot be read; messages begin "data: ".
  static absl::StatusOr<std::shared_ptr<const DataFile>> Open(const std::string& path);
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;

  std::string_view bytes() const { return file_->bytes(); }

 private:
  explicit DataFile(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}
  std::shared_ptr<const MappedFile> file_;
};

}  // namespace strop
