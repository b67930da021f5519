#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/tune/halving.h"
#include "plugin/tune/journal.h"

namespace strop {

struct TunedTrial {
  int64_t number = 0;  // counts from 1
  // `strop train … --json`, which writes its model into model_folder() and may record itself in
  // the folder.
  std::vector<std::string> command;
  std::string folder;

  std::string model_folder() const { return folder + "/model"; }
};

struct TunerOptions {
  std::string objective = "validation_loss";  // a key of the lines that a training prints
  bool is_higher_better = false;
  // A training that stops early ends with the weights of its best validation loss.
  bool restores_best = false;
  double min_delta = 0;
  int64_t epochs = 1;  // of a trial that nobody stops
  int64_t jobs = 1;    // trials that run at once
  std::optional<SuccessiveHalving> halving;
};

struct TunerCallbacks {
  std::function<void(const TrialRecord&)> on_trial;
  std::function<bool()> should_stop;
};

// Runs the trials that the journal has no record of, in order, and records each as it ends. Of the
// models only those of the best finished trial stay. Cancelled when
// should_stop asked for it; NotFound, PermissionDenied or DataLoss when a trial ends for a reason
// that all others share.
absl::Status RunTrials(const std::vector<TunedTrial>& trials, const TunerOptions& options,
                       const TunerCallbacks& callbacks, Journal& journal);

// From the best: finished trials by value, then the pruned by how far they came and their last
// value, then the failed.
std::vector<TrialRecord> Ranked(std::vector<TrialRecord> records, bool is_higher_better);

// The file in a trial's folder that takes what the trial says of itself.
inline constexpr char kTrialLog[] = "log.txt";

}  // namespace strop
