#include "exporter/external_export.h"

#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "exporter/tensor_patch.h"
#include "graph/status_macros.h"
#include "importer/tensor_conversion.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

fs::path FolderOf(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

// Runtimes map tensors; a cache line is the alignment they like.
constexpr size_t kAlignment = 64;

}  // namespace

absl::Status ExternalExport::Index() {
  for (size_t t = 0; t < layout_.tensors.size(); ++t) {
    const int tensor = static_cast<int>(t);
    if (layout_.tensors[t].payload != TensorSpan::Payload::kNone) continue;
    STROP_ASSIGN_OR_RETURN(const onnx::TensorProto header,
                           ParseTensorHeader(bytes_, layout_, tensor));
    if (header.data_location() != onnx::TensorProto::EXTERNAL) continue;
    STROP_ASSIGN_OR_RETURN(const ExternalLocation place, ParseExternalLocation(header));
    STROP_ASSIGN_OR_RETURN(const DataType type, ElementType(header.data_type()));
    const Shape shape(header.dims().begin(), header.dims().end());
    STROP_ASSIGN_OR_RETURN(const int64_t count, CheckedElementCount(shape));
    places_[tensor] = {place.location, place.offset, BytesFor(type, count)};
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> ExternalExport::Original(int tensor) const {
  const Place& place = places_.at(tensor);
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file,
                         model_.external_data->Map(place.location));
  if (place.offset > file->size || place.length > file->size - place.offset) {
    return absl::DataLossError(
        absl::StrCat("external data \"", place.location, "\" has become shorter"));
  }
  return std::string_view(file->data + place.offset, place.length);
}

absl::Status ExternalExport::Write(std::vector<Splice>& splices, ExportNotes& notes) {
  std::set<std::string> locations;
  for (const auto& [tensor, place] : places_) locations.insert(place.location);
  for (const std::string& location : locations) {
    STROP_RETURN_IF_ERROR(WriteLocation(location, splices, notes));
  }
  return absl::OkStatus();
}

absl::Status ExternalExport::WriteLocation(const std::string& location,
                                           std::vector<Splice>& splices, ExportNotes& notes) {
  bool is_changed = false;
  for (const auto& [tensor, new_bytes] : changed_) {
    is_changed |= places_.at(tensor).location == location;
  }
  STROP_ASSIGN_OR_RETURN(const std::string target, TargetOf(location, is_changed));
  if (target.empty()) return absl::OkStatus();
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> source,
                         model_.external_data->Map(location));
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(target));
  STROP_RETURN_IF_ERROR(file.Append(std::string_view(source->data, source->size)));
  size_t end = source->size;
  for (const auto& [tensor, new_bytes] : changed_) {
    const Place& place = places_.at(tensor);
    if (place.location != location) continue;
    uint64_t offset = place.offset;
    if (OverlapsAnother(tensor)) {  // two tensors shared these bytes and have parted
      offset = (end + kAlignment - 1) / kAlignment * kAlignment;
      end = offset + new_bytes.size();
      STROP_ASSIGN_OR_RETURN(
          std::vector<Splice> moved,
          ReplaceExternalEntry(bytes_, layout_, tensor, "offset", absl::StrCat(offset)));
      splices.insert(splices.end(), moved.begin(), moved.end());
    }
    STROP_RETURN_IF_ERROR(file.WriteAt(offset, new_bytes));
  }
  STROP_RETURN_IF_ERROR(file.Flush());
  files_.push_back(std::move(file));

  const std::string new_location = fs::path(target).lexically_relative(FolderOf(output_path_));
  if (new_location == fs::path(location).lexically_normal().string()) return absl::OkStatus();
  for (const auto& [tensor, place] : places_) {
    if (place.location != location) continue;
    STROP_ASSIGN_OR_RETURN(std::vector<Splice> renamed,
                           ReplaceExternalEntry(bytes_, layout_, tensor, "location", new_location));
    splices.insert(splices.end(), renamed.begin(), renamed.end());
  }
  notes.lines.push_back(absl::StrCat("external data are written to \"", new_location,
                                     "\", because \"", location, "\" belongs to the input"));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ExternalExport::TargetOf(const std::string& location,
                                                     bool is_changed) const {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> source,
                         model_.external_data->Map(location));
  const fs::path folder = FolderOf(output_path_);
  const fs::path wanted = (folder / location).lexically_normal();
  std::error_code error;
  if (!fs::equivalent(wanted, source->resolved_path, error)) {
    fs::create_directories(wanted.parent_path(), error);
    return wanted.string();
  }
  if (!is_changed) return std::string();
  // The input's files stay: take a name that none of them has.
  for (int i = 1;; ++i) {
    const std::string suffix = i == 1 ? ".data" : absl::StrCat(".", i, ".data");
    const fs::path candidate = folder / (fs::path(output_path_).filename().string() + suffix);
    bool is_taken = fs::equivalent(candidate, model_.path, error);
    for (const auto& [name, file] : model_.external_data->files()) {
      is_taken |= fs::equivalent(candidate, file->resolved_path, error);
    }
    if (!is_taken) return candidate.string();
  }
}

bool ExternalExport::OverlapsAnother(int tensor) const {
  const Place& place = places_.at(tensor);
  for (const auto& [other, other_place] : places_) {
    if (other == tensor || other_place.location != place.location) continue;
    const bool is_apart = place.offset + place.length <= other_place.offset ||
                          other_place.offset + other_place.length <= place.offset;
    if (!is_apart) return true;
  }
  return false;
}

absl::Status ExternalExport::Commit() {
  for (AtomicFile& file : files_) STROP_RETURN_IF_ERROR(file.Commit());
  return absl::OkStatus();
}

}  // namespace strop
