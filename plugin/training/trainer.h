#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/data/data_source.h"
#include "plugin/runtime/session.h"
#include "plugin/training/batch_reader.h"
#include "plugin/training/evaluate.h"
#include "plugin/training/training_graph.h"

namespace strop {

struct TrainingOptions {
  TrainingGraphOptions graph;
  std::vector<std::string> metrics;  // of the validation data
  double learning_rate = 1e-3;
  int64_t epochs = 1;
  std::optional<int64_t> steps;  // ends the run even within an epoch
  int64_t batch_size = 32;       // 0: all samples at once
  bool shuffle = true;
  bool drop_last = false;  // leave out a last batch that is not full
  uint64_t seed = 0;       // of shuffling and random operators
  // Epochs without a better validation loss after which the run ends and the best weights return;
  // 0: off. Better means lower by more than min_delta.
  int64_t early_stopping_patience = 0;
  double min_delta = 0;
};

struct StepReport {
  int64_t step = 0;   // counts from 1, over all epochs
  int64_t epoch = 0;  // counts from 1
  int64_t step_of_epoch = 0;
  int64_t steps_per_epoch = 0;
  int64_t sample_count = 0;
  double loss = 0;
  double learning_rate = 0;
  std::optional<double> gradient_norm;  // before clipping
};

struct EpochReport {
  int64_t epoch = 0;
  int64_t step = 0;
  double train_loss = 0;  // mean of the steps' losses, weighted by samples
  std::optional<double> validation_loss;
  std::map<std::string, double> metrics;  // of the validation data
  double learning_rate = 0;
  double seconds = 0;  // validation included
  bool is_best = false;
};

struct TrainingResult {
  int64_t steps = 0;
  int64_t epochs = 0;                 // begun
  std::optional<int64_t> best_epoch;  // whose weights are in the store, with early stopping
  bool stopped_early = false;
  bool was_stopped = false;  // should_stop asked for it
};

// What a run tells while it goes on; each may be empty. Called between steps, on the run's thread.
struct TrainingCallbacks {
  std::function<void(const StepReport&)> on_step;
  std::function<void(const EpochReport&)> on_epoch;
  std::function<bool()> should_stop;  // asked after every step
};

// Trains one model on one data set. Prints nothing. Not thread-safe.
class Trainer {
 public:
  // Builds the graphs and binds the data to the model, so that what does not fit is refused before
  // anything runs. `validation` may be null.
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(const ImportedModel& model,
                                                         const TrainingOptions& options,
                                                         std::unique_ptr<DataSource> training,
                                                         std::unique_ptr<DataSource> validation,
                                                         PlanOptions plan = {});

  // The whole run. FailedPrecondition naming the step when the loss is not finite.
  absl::StatusOr<TrainingResult> Run(const TrainingCallbacks& callbacks = {});

  // Parameters, running statistics and moments by name, as they are now.
  const std::shared_ptr<StateStore>& store() const { return store_; }
  // Names of the parameters that move.
  const std::vector<std::string>& trained() const { return trained_; }
  // Parameters and running statistics: what an export writes.
  const std::vector<std::string>& exported() const { return exported_; }
  int64_t steps_per_epoch() const;

 private:
  Trainer() = default;

  absl::StatusOr<EpochReport> RunEpoch(int64_t epoch, const TrainingCallbacks& callbacks);
  absl::StatusOr<StepReport> RunStep(absl::Span<const int64_t> indices, int64_t epoch);
  absl::Status Validate(EpochReport& report);
  absl::Status RememberBest(int64_t epoch);
  absl::Status RestoreBest();

  TrainingOptions options_;
  int64_t batch_size_ = 1;
  std::unique_ptr<DataSource> data_;
  std::unique_ptr<BatchReader> reader_;
  std::shared_ptr<StateStore> store_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Evaluator> evaluator_;  // null without validation data
  std::vector<std::string> trained_;
  std::vector<std::string> exported_;
  bool has_gradient_norm_ = false;

  TrainingResult progress_;
  bool ends_ = false;
  std::optional<double> best_loss_;
  std::map<std::string, Tensor> best_;
};

}  // namespace strop
