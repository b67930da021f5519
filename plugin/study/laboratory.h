#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "models/builder/network_options.h"
#include "plugin/data/data_source.h"
#include "plugin/training/run/trainer.h"

namespace strop {

// What the studies experiment on.
struct LaboratoryOptions {
  std::optional<ImportedModel> model;  // absent: perceptrons made for the study
  LossOptions loss;
  std::shared_ptr<DataSource> data;  // with a target; null: the digits that Strop carries
  PlanOptions plan;                  // of all that runs
  int64_t seeds = 3;                 // repetitions of every experiment
  std::function<bool()> should_stop;
  std::function<void()> on_run;  // called after every training
};

// One training and what it came to.
struct Experiment {
  std::vector<double> step_losses;
  std::vector<EpochReport> epochs;
  bool has_diverged = false;  // the loss became infinite or no number
  double seconds_per_epoch = 0;
  int64_t steps = 0;
  std::shared_ptr<StateStore> store;

  // Of the validation data after the last epoch; NaN when the run diverged.
  double Validation(const std::string& metric) const;
  double validation_loss() const;
  double train_loss() const;
};

struct LayerGradient {
  std::string parameter;
  double norm = 0;  // of ∂loss/∂W
  double root_mean_square = 0;
};

// Builds, trains and probes networks, every one of them a function of the seed. Not thread-safe.
class Laboratory {
 public:
  static absl::StatusOr<std::unique_ptr<Laboratory>> Create(LaboratoryOptions options);

  int64_t seeds() const { return options_.seeds; }
  int64_t sample_count() const { return options_.data->sample_count(); }
  int64_t training_count() const;
  const std::string& data_name() const { return options_.data->origin(); }
  bool has_own_model() const { return options_.model.has_value(); }
  const LossOptions& loss() const { return options_.loss; }
  DataSource& data() const { return *options_.data; }

  // A perceptron for the data, with fresh weights: `network`'s input and classes are filled in.
  absl::StatusOr<ImportedModel> Perceptron(NetworkOptions network, uint64_t seed) const;
  // The user's model, else Perceptron.
  absl::StatusOr<ImportedModel> ModelOr(const NetworkOptions& network, uint64_t seed) const;

  // A fifth of the data is for validation, the same for every experiment. `samples` leaves that
  // many for training. Cancelled when the user stops.
  struct Parts {
    std::unique_ptr<DataSource> training;
    std::unique_ptr<DataSource> validation;
  };
  absl::StatusOr<Parts> Split(int64_t samples = 0) const;

  absl::StatusOr<Experiment> Train(const ImportedModel& model,
                                   const TrainingOptions& options) const;
  absl::StatusOr<Experiment> Train(const ImportedModel& model, const TrainingOptions& options,
                                   Parts parts) const;

  // The loss and metrics of the training data, as it is evaluated.
  absl::StatusOr<EvaluationResult> MeasureTraining(const ImportedModel& model,
                                                   const TrainingOptions& options,
                                                   const Experiment& experiment,
                                                   int64_t samples = 0) const;

  // The gradients of every trained matrix on the first training samples, in forward order, with the
  // batch's statistics where there are any. `store` null: the weights of the file.
  absl::StatusOr<std::vector<LayerGradient>> Gradients(const ImportedModel& model,
                                                       std::shared_ptr<StateStore> store) const;
  // Values of the graph by name, on the validation data: [samples, …], as in evaluation.
  absl::StatusOr<std::vector<Tensor>> Activations(const ImportedModel& model,
                                                  std::shared_ptr<StateStore> store,
                                                  const std::vector<std::string>& names) const;
  // Bytes that a training step of that batch size works in, weights left out.
  absl::StatusOr<size_t> StepBytes(const ImportedModel& model,
                                   const TrainingOptions& options) const;

 private:
  explicit Laboratory(LaboratoryOptions options) : options_(std::move(options)) {}

  LaboratoryOptions options_;
  int64_t classes_ = 0;
};

}  // namespace strop
