#include "importer/external_data.h"

#include <fcntl.h>
#include <onnx/onnx_pb.h>
#include <sys/mman.h>
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

// Opens `relative` below the folder without following a symlink in any component, so that a link
// that appears after the check leads nowhere.
int OpenBelow(const std::string& folder, const fs::path& relative) {
  int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (auto part = relative.begin(); part != relative.end() && descriptor >= 0; ++part) {
    const bool is_last = std::next(part) == relative.end();
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (is_last ? 0 : O_DIRECTORY);
    const int next = openat(descriptor, part->c_str(), flags);
    const int error = errno;
    close(descriptor);
    errno = error;
    descriptor = next;
  }
  return descriptor;
}

}  // namespace

MappedFile::~MappedFile() {
  if (data != nullptr) munmap(const_cast<char*>(data), size);
}

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

absl::StatusOr<std::string> ExternalData::Resolve(const std::string& location) {
  const fs::path path(location);
  if (path.is_absolute()) return Escapes(location, "is an absolute path");
  if (location.find('\0') != std::string::npos) return Escapes("", "has a zero byte in its name");
  for (const fs::path& part : path) {
    if (part == "..") return Escapes(location, "leaves the folder by \"..\"");
  }
  std::error_code error;
  if (real_folder_.empty()) {
    const fs::path folder = fs::path(model_path_).parent_path();
    real_folder_ = fs::canonical(folder.empty() ? fs::path(".") : folder, error).string();
    if (error) return Missing(location, error.value());
  }
  const fs::path resolved = fs::canonical(fs::path(real_folder_) / path, error);
  if (error) return Missing(location, error.value());
  const fs::path relative = resolved.lexically_relative(real_folder_);
  if (relative.empty() || *relative.begin() == "..") {
    return Escapes(location, absl::StrCat("is a link to \"", resolved.string(), "\""));
  }
  return relative.string();
}

absl::StatusOr<std::shared_ptr<const MappedFile>> ExternalData::Map(const std::string& location) {
  if (const auto found = files_.find(location); found != files_.end()) return found->second;
  STROP_ASSIGN_OR_RETURN(const std::string relative, Resolve(location));
  const int descriptor = OpenBelow(real_folder_, relative);
  if (descriptor < 0) return Missing(location, errno);
  struct stat status = {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return Escapes(location, "is not a regular file");
  }
  auto file = std::make_shared<MappedFile>();
  file->resolved_path = (fs::path(real_folder_) / relative).string();
  file->size = static_cast<size_t>(status.st_size);
  if (file->size > 0) {
    void* mapped = mmap(nullptr, file->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const int error = errno;
    if (mapped == MAP_FAILED) {
      close(descriptor);
      return absl::DataLossError(
          absl::StrCat("cannot map external data \"", location, "\": ", std::strerror(error)));
    }
    file->data = static_cast<const char*>(mapped);
  }
  close(descriptor);
  files_[location] = file;
  return file;
}

}  // namespace strop
