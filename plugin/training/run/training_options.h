#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/data/sequence_padding.h"
#include "plugin/training/graph/step_measurement.h"
#include "plugin/training/graph/training_graph.h"
#include "plugin/training/optimization/averaging.h"
#include "plugin/training/optimization/batch_mixer.h"
#include "plugin/training/optimization/schedule.h"

namespace strop {

struct TrainingOptions {
  TrainingGraphOptions graph;
  MeasurementOptions measurement;
  std::vector<std::string> metrics;  // of the validation data
  bool watches_predictions = false;  // of the validation data, see EpochReport
  double learning_rate = 1e-3;
  ScheduleOptions schedule;
  AveragingOptions averaging;
  int64_t epochs = 1;
  std::optional<int64_t> steps;  // ends the run even within an epoch
  int64_t batch_size = 32;       // 0: all samples at once
  PaddingOptions padding;        // of training and validation data; groups the former only
  MixOptions mix;
  // Batches that make one update, by the mean loss of all their samples; the last update of an
  // epoch may see fewer.
  int64_t accumulation_steps = 1;
  bool shuffle = true;
  bool drop_last = false;  // leave out a last batch that is not full
  uint64_t seed = 0;       // of shuffling and random operators
  // The run ends when the loss is so many times its best, see RunsAway; 0: only when it is not
  // finite.
  double divergence_factor = 100;
  // Epochs without a better validation loss after which the run ends; 0: off. Better means lower by
  // more than min_delta.
  int64_t early_stopping_patience = 0;
  double min_delta = 0;
  // Whether the run ends with the weights of its best validation loss; absent: with early stopping.
  std::optional<bool> restore_best;
};

// What restore_best comes to.
bool RestoresBest(const TrainingOptions& options);

// InvalidArgument naming the option that makes no sense, alone or without validation data.
absl::Status CheckTrainingOptions(const TrainingOptions& options, bool has_validation);

}  // namespace strop
