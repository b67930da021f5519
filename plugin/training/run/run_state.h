#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "graph/tensor.h"
#include "plugin/training/optimization/schedule.h"
#include "plugin/training/run/divergence.h"
#include "plugin/training/run/health_state.h"

namespace strop {

// Everything that changes while a run goes on, besides the states in the store: with both, a run
// goes on as if it had never been interrupted. Plain data, whole between two steps.
struct RunState {
  int64_t steps = 0;    // updates of the parameters so far
  int64_t batches = 0;  // read so far; random operators draw by this count
  int64_t epochs = 0;   // completed, validation included

  // Of the epoch that is going on.
  int64_t batches_of_epoch = 0;  // read so far
  double weight_of_epoch = 0;    // LossWeight of its batches
  double loss_sum_of_epoch = 0;  // of the steps, weighted
  int64_t reported_steps = 0;    // when an epoch, whole or cut short by a limit, was last reported

  // Of the epoch with the best validation loss so far.
  std::optional<double> best_loss;
  std::optional<int64_t> best_epoch;
  std::map<std::string, Tensor> best_weights;  // by name; empty unless they are to be restored

  PlateauState plateau;
  LossHistory losses;
  HealthState health;
};

}  // namespace strop
