#pragma once

#include <string>
#include <vector>

#include "plugin/study/laboratory.h"

namespace strop {

// One setting, repeated over the seeds.
struct Repeated {
  std::vector<Experiment> runs;

  std::vector<double> Accuracies() const;
  std::vector<double> TrainLosses() const;  // of the last epoch
  std::vector<double> ValidationLosses() const;
  // Mean over the seeds, by step or by epoch.
  std::vector<double> StepCurve() const;
  std::vector<double> EpochCurve() const;
  std::vector<double> ValidationCurve() const;
  int64_t diverged() const;
};

// Trains `network`, or the user's model, once a seed.
absl::StatusOr<Repeated> Repeat(const Laboratory& laboratory, const NetworkOptions& network,
                                TrainingOptions options);

// A training that is timed.
struct TimedTraining {
  ImportedModel model;
  TrainingOptions options;
};

// Seconds an epoch, [training][round]. In every round each training has its turn: what slows the
// machine down for a while slows all of them, and rounds are pairs.
absl::StatusOr<std::vector<std::vector<double>>> TimeInTurn(
    const Laboratory& laboratory, const std::vector<TimedTraining>& trainings);

// The perceptron of the studies that are not about the network: two hidden layers of 64, ReLU.
NetworkOptions PlainNetwork();
// Accuracy as the metric, the laboratory's loss, batch normalization and dropout awake.
TrainingOptions PlainTraining(const Laboratory& laboratory);

// "the UCI digits, 1438 for training: perceptrons 64-64", for a study's setting.
std::string Describe(const Laboratory& laboratory);

}  // namespace strop
