#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "plugin/training/graph/step_statistics.h"
#include "plugin/training/metrics/prediction_watch.h"
#include "plugin/training/run/divergence.h"

namespace strop {

struct StepReport {
  int64_t step = 0;   // counts from 1, over all epochs
  int64_t epoch = 0;  // counts from 1
  int64_t step_of_epoch = 0;
  int64_t steps_per_epoch = 0;
  int64_t sample_count = 0;
  double loss = 0;  // NaN where no label of the step counts
  double learning_rate = 0;
  std::optional<double> gradient_norm;       // before clipping
  std::optional<StepStatistics> statistics;  // of a step that was measured
};

struct EpochReport {
  int64_t epoch = 0;
  int64_t step = 0;
  bool is_whole = false;  // else a limit or a signal has cut it short
  double train_loss = 0;  // mean over the samples, each as the weights were at its step
  // With an exponential moving average: of the averaged weights.
  std::optional<double> validation_loss;
  std::map<std::string, double> metrics;  // of the validation data
  double learning_rate = 0;               // of the last step
  double seconds = 0;                     // validation included
  double validation_seconds = 0;
  std::optional<PredictionReport> predictions;  // of the validation data, when they are watched
  bool is_best = false;
};

// Which weights are in the store when a run ends.
enum class FinalWeights {
  kNone,  // not those of a run: it went bad before an epoch ended well
  kLast,
  kBest,      // of the epoch with the best validation loss
  kAveraged,  // over steps or epochs
};

// An error that ended a run after its first step.
struct TrainingFailure {
  absl::Status status;
  int64_t step = 0;                       // the last that was made
  int64_t epoch = 0;                      // in which the run ended
  std::optional<int64_t> restored_epoch;  // whose weights are in the store; absent: nobody's
};

struct TrainingResult {
  int64_t steps = 0;
  int64_t epochs = 0;  // begun
  FinalWeights weights = FinalWeights::kLast;
  std::optional<int64_t> weights_epoch;  // after which the weights were so; absent for averages
  std::optional<int64_t> best_epoch;     // by validation loss, where there are such
  bool stopped_early = false;
  // Of the averaged weights, with stochastic weight averaging and validation data.
  std::optional<double> averaged_validation_loss;
  std::map<std::string, double> averaged_metrics;
  bool was_stopped = false;                // should_stop asked for it
  std::optional<Divergence> divergence;    // the numbers went bad, and the run ended
  std::optional<TrainingFailure> failure;  // what was read, or computed, was no good
};

// "the weights of epoch 3, the best of 8".
std::string DescribeWeights(const TrainingResult& result);

// What a run tells while it goes on; each may be empty. Called between steps, on the run's thread.
struct TrainingCallbacks {
  std::function<void(const StepReport&)> on_step;
  std::function<void(const EpochReport&)> on_epoch;
  std::function<bool()> should_stop;  // asked after every step
};

}  // namespace strop
