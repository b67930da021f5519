#include "exporter/onnx_adapter.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "exporter/onnx_adapter_generated.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

constexpr int32_t kFormatVersion = 1;
constexpr int32_t kAdapterVersion = 1;
constexpr int32_t kModelVersion = 1;
// FlatBuffers' offsets are signed 32-bit numbers; the rest is room for names and tables.
constexpr size_t kMostBytes = (size_t{1} << 31) - (size_t{1} << 24);

}  // namespace

absl::Status WriteOnnxAdapter(const std::map<std::string, Tensor>& tensors,
                              const std::string& path) {
  size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.bytes() + name.size();
  if (bytes > kMostBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("export: found adapters of ", bytes >> 20,
                     " MiB, expected less than the 2 GiB that an .onnx_adapter file can hold; "
                     "choose a lower --lora-rank or fewer layers"));
  }
  flatbuffers::FlatBufferBuilder builder(bytes + (size_t{1} << 16));
  std::vector<flatbuffers::Offset<onnx_adapter::Parameter>> parameters;
  for (const auto& [name, tensor] : tensors) {
    const auto name_offset = builder.CreateString(name);
    const auto dims = builder.CreateVector<int64_t>(tensor.shape().data(), tensor.shape().size());
    builder.ForceVectorAlignment(tensor.bytes(), sizeof(uint8_t), 8);
    const auto data =
        builder.CreateVector(static_cast<const uint8_t*>(tensor.data()), tensor.bytes());
    parameters.push_back(onnx_adapter::CreateParameter(builder, name_offset, dims,
                                                       static_cast<int32_t>(tensor.type()), data));
  }
  const auto list = builder.CreateVector(parameters);
  onnx_adapter::FinishAdapterBuffer(
      builder,
      onnx_adapter::CreateAdapter(builder, kFormatVersion, kAdapterVersion, kModelVersion, list));
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  STROP_RETURN_IF_ERROR(
      file.Append({reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()}));
  STROP_RETURN_IF_ERROR(file.Flush());
  return file.Commit();
}

}  // namespace strop
