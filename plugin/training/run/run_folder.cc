#include "plugin/training/run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kPrefix = "step-";
constexpr absl::string_view kSuffix = ".safetensors";

absl::Status CannotUse(const std::string& path, const std::string& found) {
  return absl::PermissionDeniedError(absl::StrCat("run directory \"", path, "\": ", found,
                                                  "; choose a place where you may write"));
}

std::string CheckpointFolder(const std::string& path) { return path + "/checkpoints"; }

// The step in a checkpoint's name.
std::optional<int64_t> StepOf(const std::string& name) {
  absl::string_view digits = name;
  int64_t step = 0;
  if (!absl::ConsumePrefix(&digits, kPrefix) || !absl::ConsumeSuffix(&digits, kSuffix) ||
      !absl::SimpleAtoi(digits, &step) || step < 0 || RunFolder::CheckpointName(step) != name) {
    return std::nullopt;
  }
  return step;
}

// AtomicFile's temporary names, of a process that was killed: the lock says that none is at work.
void RemoveHalfWritten(const std::string& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, kPrefix) && absl::EndsWith(name, ".part")) {
      fs::remove(entry.path(), ignored);
    }
  }
}

std::string Holder(int lock) {
  char text[32] = {};
  const ssize_t count = pread(lock, text, sizeof(text) - 1, 0);
  int64_t process = 0;
  const absl::string_view digits(text, count > 0 ? static_cast<size_t>(count) : 0);
  if (!absl::SimpleAtoi(digits, &process)) return "";
  return absl::StrCat(" (process ", process, ")");
}

}  // namespace

absl::StatusOr<RunFolder> RunFolder::Open(const std::string& path) {
  std::error_code error;
  fs::create_directories(CheckpointFolder(path), error);
  if (error) return CannotUse(path, error.message());
  const std::string lock_path = path + "/lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock < 0) return CannotUse(path, std::strerror(errno));
  RunFolder folder(path, lock);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return CannotUse(path, std::strerror(errno));
    return absl::AlreadyExistsError(absl::StrCat(
        "run directory \"", path, "\": another run", Holder(lock),
        " is using it, expected one run a folder; wait for it to end, or choose another folder"));
  }
  const std::string process = absl::StrCat(getpid(), "\n");
  if (ftruncate(lock, 0) != 0 || pwrite(lock, process.data(), process.size(), 0) < 0) {
    return CannotUse(path, std::strerror(errno));
  }
  RemoveHalfWritten(CheckpointFolder(path));
  return folder;
}

std::vector<std::string> RunFolder::OwnFiles() {
  return {"config.toml",           "lock",        "records.jsonl", "scalars.csv",
          "events.out.tfevents.*", "train",       "train/*",       "validation",
          "validation/*",          "checkpoints", "checkpoints/*", "class_names.json"};
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

RunFolder::~RunFolder() {
  if (lock_ >= 0) close(lock_);  // which unlocks; the file stays, or a third could lock a new one
}

std::string RunFolder::CheckpointName(int64_t step) {
  return absl::StrFormat("%s%08d%s", kPrefix, step, kSuffix);
}

std::string RunFolder::CheckpointPath(const std::string& run, const std::string& name) {
  return absl::StrCat(CheckpointFolder(run), "/", name);
}

std::vector<std::string> RunFolder::Checkpoints(const std::string& run) {
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(CheckpointFolder(run), ignored)) {
    const std::string name = entry.path().filename();
    if (const std::optional<int64_t> step = StepOf(name)) found.emplace_back(*step, name);
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> names;
  for (auto& [step, name] : found) names.push_back(std::move(name));
  return names;
}

absl::StatusOr<FoundCheckpoint> RunFolder::NewestCheckpoint() const {
  FoundCheckpoint found;
  for (const std::string& name : Checkpoints()) {
    const std::string path = CheckpointPath(name);
    absl::StatusOr<Checkpoint> checkpoint = ReadCheckpoint(path);
    if (checkpoint.ok()) {
      found.checkpoint = *std::move(checkpoint);
      found.name = name;
      return found;
    }
    std::error_code error;
    fs::rename(path, path + ".damaged", error);
    if (error) return CannotUse(path, error.message());
    found.damaged.push_back(std::string(checkpoint.status().message()));
  }
  return found;
}

absl::Status RunFolder::RemoveOldCheckpoints(int64_t keep, const std::string& best) const {
  const std::vector<std::string> names = Checkpoints();
  for (size_t i = static_cast<size_t>(keep); i < names.size(); ++i) {
    if (names[i] == best) continue;
    std::error_code error;
    fs::remove(CheckpointPath(names[i]), error);
    if (error) return CannotUse(CheckpointPath(names[i]), error.message());
  }
  return absl::OkStatus();
}

}  // namespace strop
