#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "exporter/atomic_file.h"
#include "exporter/content_hash.h"

namespace strop {

// Files that an export has made, removed again unless it says that they stay.
class MadeFiles {
 public:
  MadeFiles() = default;
  ~MadeFiles();
  MadeFiles(const MadeFiles&) = delete;
  MadeFiles& operator=(const MadeFiles&) = delete;

  void Add(const std::string& path) { paths_.push_back(path); }
  // Forces them to the disk. DataLoss when it fails.
  absl::Status Flush() const;
  void Keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

// A file of weights that a model reads as external data. It is called after the model and its own
// content ("model.onnx.2c26b46b68ffc68f.data"): never does it take the place of a file that
// something else may read, such as the model's own older version, which so stays whole until the
// model's new file has its name.
class WeightFile {
 public:
  // Beside the model. Errors as AtomicFile's.
  static absl::StatusOr<WeightFile> Create(const std::string& model_path);

  absl::Status Append(std::string_view bytes);
  size_t size() const { return size_; }

  // Gives the file its name, which it returns without the folder, and adds it to `made`, to be
  // flushed. Where a file of that name has the very content, that one serves.
  absl::StatusOr<std::string> Place(MadeFiles& made);

 private:
  WeightFile(AtomicFile file, std::string model_path)
      : file_(std::move(file)), model_path_(std::move(model_path)) {}

  AtomicFile file_;
  std::string model_path_;
  ContentHash hash_;
  size_t size_ = 0;
};

// Whether a regular file, no link, has exactly these bytes.
bool HasContent(const std::string& path, size_t size, const std::string& digest);

// Weight files of other versions of the model, as names in its folder: all but `current`.
std::vector<std::string> OtherWeightFiles(const std::string& model_path,
                                          const std::vector<std::string>& current);

}  // namespace strop
