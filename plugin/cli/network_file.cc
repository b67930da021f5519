#include "plugin/cli/network_file.h"

#include <filesystem>
#include <optional>

#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// onnx.proto, "external_data": offsets should be multiples of a page, so that readers can map them.
constexpr size_t kPage = 4096;

void AddEntry(onnx::TensorProto& tensor, const std::string& key, const std::string& value) {
  onnx::StringStringEntryProto& entry = *tensor.add_external_data();
  entry.set_key(key);
  entry.set_value(value);
}

// Appends weights to a file and notes where they lie.
class WeightFile {
 public:
  WeightFile(AtomicFile file, std::string location)
      : file_(std::move(file)), location_(std::move(location)) {}

  absl::Status Store(const std::string& bytes, onnx::TensorProto& tensor) {
    const size_t padding = (kPage - size_ % kPage) % kPage;
    STROP_RETURN_IF_ERROR(file_.Append(std::string(padding, '\0')));
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    AddEntry(tensor, "location", location_);
    AddEntry(tensor, "offset", absl::StrCat(size_ + padding));
    AddEntry(tensor, "length", absl::StrCat(bytes.size()));
    size_ += padding + bytes.size();
    return file_.Append(bytes);
  }

  absl::Status Commit() {
    STROP_RETURN_IF_ERROR(file_.Flush());
    return file_.Commit();
  }

 private:
  AtomicFile file_;
  std::string location_;
  size_t size_ = 0;
};

}  // namespace

std::string WeightPathOf(const std::string& path) { return path + ".data"; }

absl::Status WriteNetwork(NetworkBuilder& builder, const std::string& architecture, bool is_split,
                          const std::string& path) {
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  std::optional<WeightFile> weights;
  NetworkBuilder::WeightStore store;
  if (is_split) {
    const std::string weight_path = WeightPathOf(path);
    STROP_ASSIGN_OR_RETURN(AtomicFile created, AtomicFile::Create(weight_path));
    weights.emplace(std::move(created), std::filesystem::path(weight_path).filename());
    store = [&weights](const std::string& bytes, onnx::TensorProto& tensor) {
      return weights->Store(bytes, tensor);
    };
  }
  STROP_ASSIGN_OR_RETURN(const onnx::ModelProto model, builder.Build(architecture, store));
  std::string bytes;
  if (!model.SerializeToString(&bytes)) {
    return absl::InternalError("new: the model cannot be serialized");
  }
  STROP_RETURN_IF_ERROR(file.Append(bytes));
  STROP_RETURN_IF_ERROR(file.Flush());
  if (weights) STROP_RETURN_IF_ERROR(weights->Commit());
  return file.Commit();
}

}  // namespace strop
