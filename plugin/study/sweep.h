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
  std::vector<double> SecondsPerEpoch() const;
  // Mean over the seeds, by step or by epoch.
  std::vector<double> StepCurve() const;
  std::vector<double> EpochCurve() const;
  std::vector<double> ValidationCurve() const;
  int64_t diverged() const;
};

// Trains `network`, or the user's model, once a seed.
absl::StatusOr<Repeated> Repeat(const Laboratory& laboratory, const NetworkOptions& network,
                                TrainingOptions options);

// The perceptron of the studies that are not about the network: two hidden layers of 64, ReLU.
NetworkOptions PlainNetwork();
// Accuracy as the metric, the laboratory's loss, batch normalization and dropout awake.
TrainingOptions PlainTraining(const Laboratory& laboratory);

// "the UCI digits, 1438 for training: perceptrons 64-64", for a study's setting.
std::string Describe(const Laboratory& laboratory);

}  // namespace strop
