#include "exporter/external_export.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

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

// Makes the folders between `folder` and the file `relative` to it. False when a link or something
// else stands where one should be.
bool MakeFolders(fs::path folder, const fs::path& relative) {
  std::error_code error;
  for (const fs::path& part : relative.parent_path()) {
    folder /= part;
    const fs::file_status status = fs::symlink_status(folder, error);
    if (fs::is_directory(status)) continue;
    if (fs::exists(status) || !fs::create_directory(folder, error)) return false;
  }
  return true;
}

// One line about files, the first of which it names.
void Tell(const std::string& before, const std::string& after,
          const std::vector<std::string>& names, ExportNotes& notes) {
  if (names.empty()) return;
  const std::string more =
      names.size() == 1 ? "" : absl::StrCat(" and ", names.size() - 1, " more");
  notes.lines.push_back(absl::StrCat(before, "\"", names[0], "\"", more, after));
}

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
    STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> file,
                           model_.external_data->Map(place.location));
    const size_t length = BytesFor(type, count);
    if (place.offset > file->bytes().size() || length > file->bytes().size() - place.offset) {
      return absl::InvalidArgumentError(absl::StrCat("tensor \"", header.name(),
                                                     "\" lies beyond the end of \"", place.location,
                                                     "\"; fetch the whole data file again"));
    }
    places_[tensor] = {place.location, place.offset, length, file};
  }
  return absl::OkStatus();
}

std::string_view ExternalExport::Original(int tensor) const {
  const Place& place = places_.at(tensor);
  return place.file->bytes().substr(place.offset, place.length);
}

absl::Status ExternalExport::Write(std::vector<Splice>& splices, ExportNotes& notes) {
  std::map<std::string, std::vector<int>> tensors_at;
  for (const auto& [tensor, place] : places_) tensors_at[place.location].push_back(tensor);
  std::vector<std::string> written;
  std::vector<std::string> current;
  for (const auto& [location, tensors] : tensors_at) {
    const bool is_changed = std::any_of(tensors.begin(), tensors.end(),
                                        [&](int tensor) { return changed_.contains(tensor); });
    if (!is_changed) {
      STROP_ASSIGN_OR_RETURN(const bool stays, Stays(location));
      if (stays) {
        current.push_back(location);
        continue;
      }
    }
    STROP_ASSIGN_OR_RETURN(const std::string name, WriteChanged(tensors, splices));
    STROP_RETURN_IF_ERROR(Rename(tensors, name, is_changed, splices));
    written.push_back(name);
    current.push_back(name);
  }
  STROP_RETURN_IF_ERROR(made_.Flush());
  Tell("external data are written to ", "", written, notes);
  Tell("", " of earlier exports stay; remove what no other model reads",
       OtherWeightFiles(output_path_, current), notes);
  return absl::OkStatus();
}

absl::StatusOr<bool> ExternalExport::Stays(const std::string& location) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const MappedFile> source,
                         model_.external_data->Map(location));
  const fs::path folder = FolderOf(output_path_);
  const fs::path relative = fs::path(location).lexically_normal();
  if (*relative.begin() == fs::path(output_path_).filename()) return false;  // the model's own name
  const std::string path = folder / relative;
  std::error_code error;
  const fs::path real_path = fs::canonical(path, error);
  if (!error) {
    const fs::path inside = real_path.lexically_relative(fs::canonical(folder, error));
    const bool is_inside = !inside.empty() && *inside.begin() != "..";
    if (is_inside && source->IsAt(path)) return true;
  }
  if (!MakeFolders(folder, relative)) return false;
  if (fs::exists(fs::symlink_status(path, error))) {
    ContentHash hash;
    hash.Add(source->bytes());
    return HasContent(path, source->bytes().size(), hash.Digest());
  }
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::CreateNew(path));
  STROP_RETURN_IF_ERROR(file.Append(source->bytes()));
  STROP_RETURN_IF_ERROR(file.Close());
  STROP_RETURN_IF_ERROR(file.CommitNew(path));
  made_.Add(path);
  return true;
}

absl::StatusOr<std::string> ExternalExport::WriteChanged(const std::vector<int>& tensors,
                                                         std::vector<Splice>& splices) {
  std::vector<int> in_order;
  std::copy_if(tensors.begin(), tensors.end(), std::back_inserter(in_order),
               [&](int tensor) { return places_.at(tensor).length > 0; });
  std::stable_sort(in_order.begin(), in_order.end(), [&](int left, int right) {
    return places_.at(left).offset < places_.at(right).offset;
  });
  STROP_ASSIGN_OR_RETURN(WeightFile file, WeightFile::Create(output_path_));
  const std::string_view source = places_.at(tensors[0]).file->bytes();
  const auto append_changed = [&](int tensor) -> absl::Status {
    STROP_ASSIGN_OR_RETURN(const Tensor elements, changed_.at(tensor)());
    return file.Append(RawBytes(elements));
  };
  std::vector<int> parted;  // changed tensors that shared bytes with others
  size_t end_of_previous = 0;
  for (size_t i = 0; i < in_order.size(); ++i) {
    const Place& place = places_.at(in_order[i]);
    const size_t end = place.offset + place.length;
    const bool is_shared = place.offset < end_of_previous ||
                           (i + 1 < in_order.size() && places_.at(in_order[i + 1]).offset < end);
    end_of_previous = std::max(end_of_previous, end);
    if (!changed_.contains(in_order[i])) continue;
    if (is_shared) {
      parted.push_back(in_order[i]);
      continue;
    }
    STROP_RETURN_IF_ERROR(file.Append(source.substr(file.size(), place.offset - file.size())));
    STROP_RETURN_IF_ERROR(append_changed(in_order[i]));
  }
  STROP_RETURN_IF_ERROR(file.Append(source.substr(file.size())));
  for (const int tensor : parted) {
    const size_t padding = (kAlignment - file.size() % kAlignment) % kAlignment;
    STROP_RETURN_IF_ERROR(file.Append(std::string(padding, '\0')));
    STROP_ASSIGN_OR_RETURN(
        std::vector<Splice> moved,
        ReplaceExternalEntry(bytes_, layout_, tensor, "offset", absl::StrCat(file.size())));
    splices.insert(splices.end(), moved.begin(), moved.end());
    STROP_RETURN_IF_ERROR(append_changed(tensor));
  }
  return file.Place(made_);
}

absl::Status ExternalExport::Rename(const std::vector<int>& tensors, const std::string& location,
                                    bool is_changed, std::vector<Splice>& splices) const {
  for (const int tensor : tensors) {
    STROP_ASSIGN_OR_RETURN(std::vector<Splice> renamed,
                           ReplaceExternalEntry(bytes_, layout_, tensor, "location", location));
    std::move(renamed.begin(), renamed.end(), std::back_inserter(splices));
    if (!is_changed) continue;
    STROP_ASSIGN_OR_RETURN(std::vector<Splice> removed,
                           RemoveExternalEntry(bytes_, layout_, tensor, "checksum"));
    std::move(removed.begin(), removed.end(), std::back_inserter(splices));
  }
  return absl::OkStatus();
}

}  // namespace strop
