#include "exporter/class_names.h"

#include <onnx/onnx_pb.h>

#include <string_view>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/class_names.h"
#include "importer/wire_format.h"

namespace strop {
namespace {

constexpr uint32_t kModelMetadata = 14;  // metadata_props of ModelProto (onnx.proto)

bool HoldsClassNames(std::string_view bytes, const WireField& field) {
  if (field.number != kModelMetadata || field.type != WireType::kLengthDelimited) return false;
  onnx::StringStringEntryProto entry;
  const std::string_view content =
      bytes.substr(field.payload_begin, field.end - field.payload_begin);
  return entry.ParseFromArray(content.data(), static_cast<int>(content.size())) &&
         IsClassNamesKey(entry.key()) && ParseClassNames(entry.value());
}

absl::StatusOr<std::string> AddClassNames(std::string_view bytes,
                                          const std::vector<std::string>& names) {
  onnx::StringStringEntryProto entry;
  entry.set_key(std::string(kClassNamesKey));
  entry.set_value(ClassNamesText(names));
  std::string field;
  if (!names.empty()) field = EncodeLengthDelimited(kModelMetadata, entry.SerializeAsString());
  std::string named;
  named.reserve(bytes.size() + field.size());
  bool is_written = false;
  for (WireReader reader(bytes, 0, bytes.size()); !reader.AtEnd();) {
    STROP_ASSIGN_OR_RETURN(const WireField found, reader.Next());
    if (!HoldsClassNames(bytes, found)) {
      named += bytes.substr(found.begin, found.end - found.begin);
    } else if (!is_written) {
      named += field;
      is_written = true;
    }
  }
  if (!is_written) named += field;
  return named;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelFile>> WithClassNames(
    const ModelFile& file, const std::vector<std::string>& names) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, file.Read());
  absl::StatusOr<std::string> named = AddClassNames(*bytes, names);
  if (!named.ok()) {
    return absl::Status(named.status().code(),
                        absl::StrCat("class names: ", named.status().message()));
  }
  return ModelFile::FromBytes(*std::move(named), file);
}

}  // namespace strop
