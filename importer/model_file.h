#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "importer/file_stamp.h"

namespace strop {

// The bytes of the model that was imported. A file is kept open and read again when the exporter
// needs it, so that a large model is not held in memory while it trains.
class ModelFile {
 public:
  // NotFound when the file is missing or cannot be read.
  static absl::StatusOr<std::shared_ptr<const ModelFile>> Open(const std::string& path);
  // A model that exists in memory only. `path` is what it is called; one that was made of a file
  // has that file's paths, beside which its external data lie.
  static std::shared_ptr<const ModelFile> FromBytes(std::string bytes, std::string path);
  static std::shared_ptr<const ModelFile> FromBytes(std::string bytes, const ModelFile& original);

  ~ModelFile();
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;

  // All bytes. DataLoss when the file has changed since it was opened.
  absl::StatusOr<std::shared_ptr<const std::string>> Read() const;

  const std::string& path() const { return path_; }
  // Where the file lies that was opened, links followed; empty when that is not known.
  const std::string& real_path() const { return real_path_; }

 private:
  explicit ModelFile(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::string real_path_;
  int descriptor_ = -1;
  FileStamp stamp_;
  std::shared_ptr<const std::string> bytes_;  // of FromBytes
};

}  // namespace strop
