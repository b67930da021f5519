#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace onnx {
class TensorProto;
}

namespace strop {

// A data file beside a model, mapped read-only.
struct MappedFile {
  std::string resolved_path;  // symlinks resolved
  const char* data = nullptr;
  size_t size = 0;
  MappedFile() = default;
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
};

// What a tensor's external_data entries say (onnx.proto, "external_data").
struct ExternalLocation {
  std::string location;  // relative to the model's folder
  uint64_t offset = 0;
  uint64_t length = 0;
  bool has_length = false;  // without it the data reach to the end that the shape gives
};

absl::StatusOr<ExternalLocation> ParseExternalLocation(const onnx::TensorProto& tensor);

// The data files of one model. Nothing outside the model's own real folder is ever opened, whatever
// the model says: no absolute path, no "..", no symlink that leads out.
class ExternalData {
 public:
  explicit ExternalData(std::string model_path) : model_path_(std::move(model_path)) {}

  // InvalidArgument for a path that leaves the folder; NotFound for a missing file.
  absl::StatusOr<std::shared_ptr<const MappedFile>> Map(const std::string& location);

  // Every file mapped so far, by the location that the model gives.
  const std::map<std::string, std::shared_ptr<const MappedFile>>& files() const { return files_; }

 private:
  absl::StatusOr<std::string> Resolve(const std::string& location);

  std::string model_path_;
  std::string real_folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace strop
