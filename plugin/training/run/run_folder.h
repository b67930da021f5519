#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/training/run/checkpoint.h"

namespace strop {

// What was found in a folder to go on from.
struct FoundCheckpoint {
  std::optional<Checkpoint> checkpoint;  // absent when no whole one is there
  std::string name;                      // of its file
  std::vector<std::string> damaged;      // one line for each newer one that could not be read
};

// The folder of one run: config.toml, records, events, and checkpoints/step-00000120.safetensors.
// Held by one process at a time, by a lock that the system gives back however the process ends.
class RunFolder {
 public:
  // Makes the folder where it is missing, locks it, and removes what an interrupted process left
  // half written. AlreadyExists when another run holds it, PermissionDenied when it cannot be
  // created or written to.
  static absl::StatusOr<RunFolder> Open(const std::string& path);

  ~RunFolder();
  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;

  // What lies in the folder of a run that the run wrote, as patterns of paths in it.
  static std::vector<std::string> OwnFiles();

  const std::string& path() const { return path_; }
  std::string PathOf(const std::string& file) const { return path_ + "/" + file; }

  // "step-00000120.safetensors"
  static std::string CheckpointName(int64_t step);
  std::string CheckpointPath(const std::string& name) const { return CheckpointPath(path_, name); }
  // Names of the checkpoints, newest first.
  std::vector<std::string> Checkpoints() const { return Checkpoints(path_); }

  // The same of a run that goes on elsewhere, or is over.
  static std::string CheckpointPath(const std::string& run, const std::string& name);
  static std::vector<std::string> Checkpoints(const std::string& run);

  // The newest checkpoint that is whole. Damaged ones that are newer are renamed to "….damaged", so
  // that none is taken for the newest again.
  absl::StatusOr<FoundCheckpoint> NewestCheckpoint() const;

  // Removes all checkpoints but the `keep` newest and `best`, a name or empty.
  absl::Status RemoveOldCheckpoints(int64_t keep, const std::string& best) const;

 private:
  RunFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_ = -1;
};

}  // namespace strop
