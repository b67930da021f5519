#include "exporter/weight_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigitsInName = 16;
constexpr char kSuffix[] = ".data";
// Of the model's name, so that the whole fits into the 255 bytes that file systems take.
constexpr size_t kLongestStem = 200;

std::string StemOf(const std::string& model_path) {
  return fs::path(model_path).filename().string().substr(0, kLongestStem);
}

absl::Status ForceToDisk(const std::string& path, int (*flush)(int)) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_flushed = descriptor >= 0 && flush(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  // Some file systems cannot flush a folder.
  if (is_flushed || error == EINVAL || error == ENOTSUP) return absl::OkStatus();
  const std::string message = absl::StrCat("cannot write \"", path, "\": ", std::strerror(error));
  return error == ENOSPC || error == EDQUOT ? absl::ResourceExhaustedError(message)
                                            : absl::DataLossError(message);
}

}  // namespace

MadeFiles::~MadeFiles() {
  for (const std::string& path : paths_) unlink(path.c_str());
}

absl::Status MadeFiles::Flush() const {
  // Thousands of files wait for the disk thousands of times, their file system once.
  constexpr size_t kMany = 32;
  const bool are_many = paths_.size() >= kMany;
  std::set<std::string> folders;
  for (const std::string& path : paths_) {
    folders.insert(fs::path(path).parent_path().string());
    if (!are_many) STROP_RETURN_IF_ERROR(ForceToDisk(path, fsync));
  }
  for (const std::string& folder : folders) {
    const std::string path = folder.empty() ? "." : folder;
    STROP_RETURN_IF_ERROR(ForceToDisk(path, are_many ? syncfs : fsync));
  }
  return absl::OkStatus();
}

absl::StatusOr<WeightFile> WeightFile::Create(const std::string& model_path) {
  const fs::path folder = fs::path(model_path).parent_path();
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::CreateNew(folder / StemOf(model_path)));
  return WeightFile(std::move(file), model_path);
}

absl::Status WeightFile::Append(std::string_view bytes) {
  hash_.Add(bytes);
  size_ += bytes.size();
  return file_.Append(bytes);
}

absl::StatusOr<std::string> WeightFile::Place(MadeFiles& made) {
  STROP_RETURN_IF_ERROR(file_.Close());
  const std::string digest = hash_.Digest();
  const std::string stem = absl::StrCat(StemOf(model_path_), ".", digest.substr(0, kDigitsInName));
  for (int attempt = 1;; ++attempt) {  // past files of other content that have the name
    const std::string number = attempt == 1 ? "" : absl::StrCat(".", attempt);
    const std::string name = absl::StrCat(stem, number, kSuffix);
    const std::string path = fs::path(model_path_).parent_path() / name;
    const absl::Status placed = file_.CommitNew(path);
    if (placed.ok()) made.Add(path);
    if (placed.ok() || HasContent(path, size_, digest)) return name;
    if (!absl::IsAlreadyExists(placed)) return placed;
  }
}

bool HasContent(const std::string& path, size_t size, const std::string& digest) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct stat status = {};
  bool has_size = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                  static_cast<size_t>(status.st_size) == size;
  ContentHash hash;
  std::string piece(size_t{1} << 20, '\0');
  ssize_t count = has_size ? 1 : 0;
  while (count > 0) {
    count = read(descriptor, piece.data(), piece.size());
    if (count > 0) hash.Add({piece.data(), static_cast<size_t>(count)});
    if (count < 0 && errno == EINTR) count = 1;
  }
  close(descriptor);
  return has_size && count == 0 && hash.Digest() == digest;
}

std::vector<std::string> OtherWeightFiles(const std::string& model_path,
                                          const std::vector<std::string>& current) {
  const std::string stem = StemOf(model_path) + ".";
  const fs::path folder = fs::path(model_path).parent_path();
  std::vector<std::string> others;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(folder.empty() ? fs::path(".") : folder, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(stem) || !name.ends_with(kSuffix) ||
        name.size() < stem.size() + kDigitsInName + sizeof(kSuffix) - 1) {
      continue;
    }
    const std::string digits = name.substr(stem.size(), kDigitsInName);
    if (!std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit)) continue;
    if (std::find(current.begin(), current.end(), name) == current.end()) others.push_back(name);
  }
  std::sort(others.begin(), others.end());
  return others;
}

}  // namespace strop
