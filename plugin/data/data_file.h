#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace strop {

// A file's bytes, mapped read-only for as long as a tensor or anyone else holds this.
class DataFile {
 public:
  // NotFound for a missing file, DataLoss when it cannot be read; messages begin "data: ".
  static absl::StatusOr<std::shared_ptr<const DataFile>> Open(const std::string& path);
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  ~DataFile();

  std::string_view bytes() const { return {data_, size_}; }

 private:
  DataFile(const char* data, size_t size) : data_(data), size_(size) {}
  const char* data_;
  size_t size_;
};

}  // namespace strop
