#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/listener.h"
#include "plugin/options/run_options.h"
#include "plugin/options/table/config_file.h"
#include "plugin/training/run/checkpointer.h"
#include "plugin/training/run/trainer.h"

namespace strop {

// What a run reads, as hashes; `validation` may be null.
absl::StatusOr<Fingerprint> FingerprintOfInputs(const ImportedModel& model, DataSource& training,
                                                DataSource* validation);

// A run that is kept in a folder: holds its lock, saves checkpoints, goes on from one. Its listener
// is told what it finds and what it cannot save; that ends no training.
class KeptRun {
 public:
  // Locks the folder, writes the options into config.toml and puts the newest checkpoint into the
  // trainer, which must outlive the object. `inputs` is FingerprintOfInputs. AlreadyExists for a
  // folder in use, and for one with an earlier run unless the run is to resume; InvalidArgument
  // when the checkpoint is another run's.
  static absl::StatusOr<std::unique_ptr<KeptRun>> Begin(const RunArguments& arguments,
                                                        const std::vector<ResolvedOption>& options,
                                                        Fingerprint inputs, Trainer& trainer,
                                                        Listener listener);

  // Keeps the names of the run's classes, where they have names, for `--class-names RUN`.
  absl::Status KeepClassNames(const std::vector<std::string>& names) const;

  // Called before each checkpoint is taken.
  void set_before_save(std::function<void()> before_save);

  void OnStep();
  void OnEpoch(const EpochReport& report);
  // Waits until the last checkpoint is on the disk. DataLoss when it could not be saved.
  absl::Status Finish();
  // Saves the run as it stands, for an end before its time. Returns what is on the disk. Only when
  // saves_checkpoints().
  absl::StatusOr<std::string> Save();
  bool saves_checkpoints() const { return checkpointer_.has_value(); }

  // Whether it goes on from a checkpoint.
  bool is_resumed() const { return is_resumed_; }

 private:
  KeptRun(RunFolder folder, Listener listener)
      : folder_(std::move(folder)), listener_(std::move(listener)) {}

  void Warn(const absl::Status& status) const;

  RunFolder folder_;
  Listener listener_;
  bool is_resumed_ = false;
  std::optional<Checkpointer> checkpointer_;  // absent with --keep 0
};

}  // namespace strop
