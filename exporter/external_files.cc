#include "exporter/external_files.h"

#include <filesystem>
#include <set>

#include "exporter/tensor_patch.h"
#include "importer/model_file.h"

namespace strop {

std::vector<std::string> ExternalFilesOf(const std::string& model_path) {
  const absl::StatusOr<std::shared_ptr<const ModelFile>> file = ModelFile::Open(model_path);
  if (!file.ok()) return {};
  const absl::StatusOr<std::shared_ptr<const std::string>> bytes = (*file)->Read();
  if (!bytes.ok()) return {};
  const absl::StatusOr<ModelLayout> layout = ScanModel(**bytes);
  if (!layout.ok()) return {};
  const std::filesystem::path folder = std::filesystem::path(model_path).parent_path();
  std::set<std::string> files;
  for (size_t t = 0; t < layout->tensors.size(); ++t) {
    if (layout->tensors[t].payload != TensorSpan::Payload::kNone) continue;
    const absl::StatusOr<onnx::TensorProto> header =
        ParseTensorHeader(**bytes, *layout, static_cast<int>(t));
    if (!header.ok() || header->data_location() != onnx::TensorProto::EXTERNAL) continue;
    const absl::StatusOr<ExternalLocation> place = ParseExternalLocation(*header);
    if (place.ok()) files.insert((folder / place->location).string());
  }
  return {files.begin(), files.end()};
}

}  // namespace strop
