#include "plugin/operations/network_file.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "exporter/weight_file.h"
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

// Appends weights to a file and notes where in it they lie.
absl::Status Store(const std::string& bytes, WeightFile& file, onnx::TensorProto& tensor) {
  const size_t padding = (kPage - file.size() % kPage) % kPage;
  STROP_RETURN_IF_ERROR(file.Append(std::string(padding, '\0')));
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  AddEntry(tensor, "offset", absl::StrCat(file.size()));
  AddEntry(tensor, "length", absl::StrCat(bytes.size()));
  return file.Append(bytes);
}

}  // namespace

absl::StatusOr<std::string> WriteNetwork(NetworkBuilder& builder, const std::string& architecture,
                                         bool is_split, const std::string& path) {
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  std::optional<WeightFile> weights;
  NetworkBuilder::WeightStore store;
  if (is_split) {
    STROP_ASSIGN_OR_RETURN(WeightFile created, WeightFile::Create(path));
    weights.emplace(std::move(created));
    store = [&weights](const std::string& bytes, onnx::TensorProto& tensor) {
      return Store(bytes, *weights, tensor);
    };
  }
  STROP_ASSIGN_OR_RETURN(onnx::ModelProto model, builder.Build(architecture, store));
  MadeFiles made;
  std::string weight_name;
  if (weights) {
    STROP_ASSIGN_OR_RETURN(weight_name, weights->Place(made));
    for (onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
      if (tensor.data_location() != onnx::TensorProto::EXTERNAL) continue;
      AddEntry(tensor, "location", weight_name);
    }
  }
  std::string bytes;
  if (!model.SerializeToString(&bytes)) {
    return absl::InternalError("new: the model cannot be serialized");
  }
  STROP_RETURN_IF_ERROR(file.Append(bytes));
  STROP_RETURN_IF_ERROR(made.Flush());
  STROP_RETURN_IF_ERROR(file.Flush());
  STROP_RETURN_IF_ERROR(file.Commit());
  made.Keep();
  return weight_name;
}

}  // namespace strop
