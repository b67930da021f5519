#include "plugin/study/sweep.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/study/statistics.h"

namespace strop {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

template <typename Read>
std::vector<double> OfRuns(const std::vector<Experiment>& runs, const Read& read) {
  std::vector<double> values;
  for (const Experiment& run : runs) values.push_back(read(run));
  return values;
}

template <typename Read>
std::vector<double> OfEpochs(const std::vector<Experiment>& runs, const Read& read) {
  std::vector<std::vector<double>> curves;
  for (const Experiment& run : runs) {
    std::vector<double> curve;
    for (const EpochReport& epoch : run.epochs) curve.push_back(read(epoch));
    curves.push_back(curve);
  }
  return MeanCurve(curves);
}

}  // namespace

std::vector<double> Repeated::Accuracies() const {
  return OfRuns(runs, [](const Experiment& run) { return run.Validation("accuracy"); });
}

std::vector<double> Repeated::TrainLosses() const {
  return OfRuns(runs, [](const Experiment& run) { return run.train_loss(); });
}

std::vector<double> Repeated::ValidationLosses() const {
  return OfRuns(runs, [](const Experiment& run) { return run.validation_loss(); });
}

std::vector<double> Repeated::StepCurve() const {
  std::vector<std::vector<double>> curves;
  for (const Experiment& run : runs) curves.push_back(run.step_losses);
  return MeanCurve(curves);
}

std::vector<double> Repeated::EpochCurve() const {
  return OfEpochs(runs, [](const EpochReport& epoch) { return epoch.train_loss; });
}

std::vector<double> Repeated::ValidationCurve() const {
  return OfEpochs(
      runs, [](const EpochReport& epoch) { return epoch.validation_loss.value_or(kNothing); });
}

int64_t Repeated::diverged() const {
  int64_t count = 0;
  for (const Experiment& run : runs) count += run.has_diverged;
  return count;
}

absl::StatusOr<Repeated> Repeat(const Laboratory& laboratory, const NetworkOptions& network,
                                TrainingOptions options) {
  Repeated repeated;
  for (int64_t seed = 0; seed < laboratory.seeds(); ++seed) {
    options.seed = static_cast<uint64_t>(seed);
    STROP_ASSIGN_OR_RETURN(const ImportedModel model, laboratory.ModelOr(network, options.seed));
    STROP_ASSIGN_OR_RETURN(Experiment run, laboratory.Train(model, options));
    repeated.runs.push_back(std::move(run));
  }
  return repeated;
}

absl::StatusOr<std::vector<std::vector<double>>> TimeInTurn(
    const Laboratory& laboratory, const std::vector<TimedTraining>& trainings) {
  constexpr int kRounds = 7;
  constexpr int64_t kTimedEpochs = 3;  // the first of them plans its steps and does not count
  std::vector<std::vector<double>> seconds(trainings.size());
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < trainings.size(); ++i) {
      TrainingOptions options = trainings[i].options;
      options.epochs = kTimedEpochs;
      STROP_ASSIGN_OR_RETURN(const Experiment run, laboratory.Train(trainings[i].model, options));
      seconds[i].push_back(run.seconds_per_epoch);
    }
  }
  return seconds;
}

NetworkOptions PlainNetwork() {
  NetworkOptions network;
  network.depth = 2;
  network.width = {64};
  return network;
}

TrainingOptions PlainTraining(const Laboratory& laboratory) {
  TrainingOptions options;
  options.graph.loss = laboratory.loss();
  options.metrics = {"accuracy"};
  return options;
}

std::string Describe(const Laboratory& laboratory) {
  return absl::StrCat(
      laboratory.data_name(), ", ", laboratory.training_count(), " of ", laboratory.sample_count(),
      " samples for training; ",
      laboratory.has_own_model() ? "your model" : "perceptrons of two hidden layers of 64, ReLU");
}

}  // namespace strop
