#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugin/engine/runtime/state_store.h"

namespace strop {

// What the watch over a run's losses remembers. Plain data.
struct LossHistory {
  std::vector<double> recent;          // the last losses, oldest first
  std::optional<double> start_median;  // of the first full window
  double lowest_median = 0;            // of all windows so far
};

// Whether a loss runs away: the median of the last 32 losses is above where it started and above
// `factor` times the lowest such median. The median lets single bad batches pass. A factor of 0
// never sees anything. Adds the loss to the history.
bool RunsAway(double loss, double factor, LossHistory& history);

// Why and where a run ended because its numbers went bad.
struct Divergence {
  int64_t step = 0;
  int64_t epoch = 0;
  std::optional<double> loss;  // of the step, where it is what went bad
  double learning_rate = 0;
  std::string cause;                      // what went bad first, in words
  std::optional<int64_t> restored_epoch;  // whose weights are in the store; absent: nobody's

  // "train: diverged at step 12 (epoch 1, loss nan): …", with what to do; one line.
  std::string Describe() const;
};

// "the largest weight is 3e+12 in \"fc.weight\"", of the states `names`.
absl::StatusOr<std::string> DescribeLargest(const std::vector<std::string>& names,
                                            const StateStore& store);

}  // namespace strop
