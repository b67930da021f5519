#pragma once

#include <cstdint>
#include <string>

#include "graph/tensor.h"
#include "plugin/training/graph/step_measurement.h"

namespace strop {

// Which of a run's graphs computes a batch of a step. Several batches may make one update: all but
// the last only accumulate their gradients. With sharpness-aware minimization (sharpness.h) a step
// passes over its batches twice, and the second pass ends with the update. Plans are made in this
// order: the first to read the parameters decides how they lie.
struct StepVariant {
  enum class Kind {
    kAscend,              // forward, backward, and where the parameters ascend to
    kUpdate,              // forward, backward, update: by what was accumulated before, too
    kAccumulate,          // forward, backward, and the gradients are added up
    kAccumulateAscended,  // the same where the parameters have ascended to
  };
  Kind kind = Kind::kUpdate;
  int phase = 0;                                         // of the run's unfreezing
  StepMeasurement measurement = StepMeasurement::kNone;  // of an update

  auto operator<=>(const StepVariant&) const = default;
};

// One forward and backward over the batches of a step: the kinds of graphs that it runs.
struct StepPass {
  StepVariant::Kind of_others;
  StepVariant::Kind of_last;
  bool is_repeated = false;  // the same batches again
};

// A rank-0 input of a step behind the batch's.
enum class StepScalar {
  kLearningRate,    // double
  kStep,            // int64, counts the updates from 1
  kBatchShare,      // double: the batch's samples as a share of all that make the update
  kKeepsGradients,  // double: 0 for the first batch of an update, whose gradients start the sum
};

// "learning_rate", "step", "batch_share", "keeps_gradients".
std::string NameOf(StepScalar scalar);

// The values of a step's scalars.
struct StepNumbers {
  double learning_rate = 0;
  int64_t step = 1;
  double batch_share = 1;
  bool keeps_gradients = false;

  Tensor Of(StepScalar scalar) const;
};

}  // namespace strop
