#include "importer/external_data.h"

#include <fcntl.h>
#include <onnx/onnx_pb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

absl::Status Escapes(const std::string& location, const std::string& found) {
  return absl::InvalidArgumentError(
      absl::StrCat("external data \"", location, "\" ", found,
                   ", expected a file inside the model's own folder; move the data beside the "
                   "model and correct its location"));
}

absl::Status Missing(const std::string& location, int error) {
  return absl::NotFoundError(absl::StrCat("external data \"", location,
                                          "\": ", std::strerror(error),
                                          "; put the data file beside the model"));
}

absl::Status OfData(const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("external data ", status.message()));
}

absl::StatusOr<uint64_t> ParseCount(const std::string& key, const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return absl::InvalidArgumentError(absl::StrCat("external data ", key, " is \"", text,
                                                   "\", expected a number of bytes; export the "
                                                   "model again"));
  }
  return value;
}

// Opens a file by its real path, without following a link in any component: one that appears after
// the path was resolved leads nowhere.
int OpenWithoutLinks(const fs::path& real_path) {
  int descriptor = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const fs::path relative = real_path.relative_path();
  for (auto part = relative.begin(); part != relative.end() && descriptor >= 0; ++part) {
    const bool is_last = std::next(part) == relative.end();
    const int flags = is_last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
    const int next = openat(descriptor, part->c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
    const int error = errno;
    close(descriptor);
    errno = error;
    descriptor = next;
  }
  return descriptor;
}

bool IsInside(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

absl::StatusOr<ExternalLocation> ParseExternalLocation(const onnx::TensorProto& tensor) {
  ExternalLocation result;
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") {
      result.location = entry.value();
    } else if (entry.key() == "offset") {
      STROP_ASSIGN_OR_RETURN(result.offset, ParseCount("offset", entry.value()));
    } else if (entry.key() == "length") {
      STROP_ASSIGN_OR_RETURN(result.length, ParseCount("length", entry.value()));
      result.has_length = true;
    }
  }
  if (result.location.empty()) {
    return absl::InvalidArgumentError(
        "external data has no location, expected a file name; export the model again");
  }
  return result;
}

absl::Status ExternalData::FindFolders() {
  if (!folders_.empty()) return absl::OkStatus();
  if (model_path_.empty()) {
    return absl::NotFoundError(
        "the model is in memory and has no folder; give its path, or a model that holds its "
        "tensors "
        "itself");
  }
  const fs::path folder = fs::path(model_path_).parent_path();
  std::error_code error;
  folders_.push_back(fs::canonical(folder.empty() ? fs::path(".") : folder, error));
  if (error) {
    folders_.clear();
    return Missing(folder.string(), error.value());
  }
  const fs::path real_folder = fs::path(real_model_path_).parent_path();
  if (!real_folder.empty() && real_folder != folders_[0]) folders_.push_back(real_folder);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ExternalData::Resolve(const std::string& location) {
  const fs::path path(location);
  if (path.is_absolute()) return Escapes(location, "is an absolute path");
  if (location.find('\0') != std::string::npos) return Escapes("", "has a zero byte in its name");
  for (const fs::path& part : path) {
    if (part == "..") return Escapes(location, "leaves the folder by \"..\"");
  }
  if (const absl::Status status = FindFolders(); !status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("external data \"", location, "\": ", status.message()));
  }
  fs::path resolved;
  std::error_code error;
  for (const std::string& folder : folders_) {
    resolved = fs::canonical(folder / path, error);
    if (!error) break;
  }
  if (error) return Missing(location, error.value());
  for (const std::string& folder : folders_) {
    if (IsInside(resolved, folder)) return resolved.string();
  }
  return Escapes(location, absl::StrCat("is a link to \"", resolved.string(), "\""));
}

absl::StatusOr<std::shared_ptr<const MappedFile>> ExternalData::Map(const std::string& location) {
  if (const auto found = files_.find(location); found != files_.end()) return found->second;
  STROP_ASSIGN_OR_RETURN(const std::string path, Resolve(location));
  const int descriptor = OpenWithoutLinks(path);
  if (descriptor < 0) return Missing(location, errno);
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return Escapes(location, "is not a regular file");
  }
  absl::StatusOr<std::shared_ptr<const MappedFile>> file = MappedFile::Map(descriptor, path);
  close(descriptor);
  if (!file.ok()) return OfData(file.status());
  return files_[location] = *std::move(file);
}

absl::Status ExternalData::CheckUnchanged() const {
  for (const auto& [location, file] : files_) {
    if (const absl::Status status = file->CheckUnchanged(); !status.ok()) return OfData(status);
  }
  return absl::OkStatus();
}

}  // namespace strop
