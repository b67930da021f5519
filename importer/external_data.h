#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/mapped_file.h"
#include "importer/model_file.h"

namespace onnx {
class TensorProto;
}

namespace strop {

// What a tensor's external_data entries say (onnx.proto, "external_data").
struct ExternalLocation {
  std::string location;  // relative to the model's folder
  uint64_t offset = 0;
  uint64_t length = 0;
  bool has_length = false;  // without it the data reach to the end that the shape gives
};

absl::StatusOr<ExternalLocation> ParseExternalLocation(const onnx::TensorProto& tensor);

// The data files of one model. A location is sought beside the model's path and, where that is a
// link, beside the file that it leads to. What is found must lie inside one of these two folders,
// links followed: a download cache has links to model and data in one folder, both files in
// another. Nothing else is ever opened, whatever the model says: no absolute path, no "..", no
// link that leads out.
class ExternalData {
 public:
  // A model without a file, and so without data files.
  ExternalData() = default;
  explicit ExternalData(const ModelFile& model)
      : model_path_(model.path()), real_model_path_(model.real_path()) {}

  // InvalidArgument for a path that leaves the folders; NotFound for a missing file.
  absl::StatusOr<std::shared_ptr<const MappedFile>> Map(const std::string& location);

  // Every file mapped so far, by the location that the model gives.
  const std::map<std::string, std::shared_ptr<const MappedFile>>& files() const { return files_; }

  // DataLoss when somebody has written to one of them.
  absl::Status CheckUnchanged() const;

 private:
  absl::Status FindFolders();
  absl::StatusOr<std::string> Resolve(const std::string& location);

  std::string model_path_;
  std::string real_model_path_;
  std::vector<std::string> folders_;  // real ones
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace strop
