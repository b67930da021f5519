#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/data/batch_reader.h"
#include "plugin/data/data_source.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/training/graph/training_graph.h"
#include "plugin/training/metrics/metrics.h"

namespace strop {

struct EvaluationOptions {
  LossOptions loss;
  std::vector<std::string> metrics;  // names as in metric_table.h
  int64_t batch_size = 32;
  PaddingOptions padding;  // batches are cut, and stay in the data's order
  bool keeps_confusion_matrix = false;
  bool watches_predictions = false;  // see Evaluator::Predictions
};

struct EvaluationResult {
  double loss = 0;  // of all samples at once, whatever the batches are
  std::map<std::string, double> metrics;
  std::vector<std::vector<int64_t>> confusion_matrix;  // see MetricSet; empty unless asked for
  int64_t sample_count = 0;
};

// Measures a model on data, as often as wished while another session trains it. Not thread-safe.
class Evaluator {
 public:
  // Binds `data` to the model, which refuses what does not fit. `store` is a training session's
  // own; null or new, it starts from the file's weights. `arena` as in Session::Create.
  static absl::StatusOr<std::unique_ptr<Evaluator>> Create(const ImportedModel& model,
                                                           const EvaluationOptions& options,
                                                           std::unique_ptr<DataSource> data,
                                                           std::shared_ptr<StateStore> store,
                                                           PlanOptions plan = {},
                                                           std::shared_ptr<Arena> arena = nullptr);

  // The whole data once, in order. `on_progress` hears how many samples are done.
  absl::StatusOr<EvaluationResult> Evaluate(
      const std::function<void(int64_t done)>& on_progress = nullptr);
  int64_t sample_count() const { return data_->sample_count(); }

  // ": forward node …", what went bad first on the way to the last evaluation's loss that was not
  // finite; empty when that cannot be told.
  absl::StatusOr<std::string> DescribeBadLoss();

  // What the last evaluation predicted, with the hardest samples, or those of a regression, when
  // they are asked for; nothing unless predictions are watched.
  absl::StatusOr<std::optional<PredictionReport>> Predictions(bool with_samples);

  // How the targets were read where shapes leave several readings; empty where they do not.
  const std::string& note() const { return note_; }

 private:
  Evaluator() = default;
  absl::StatusOr<absl::Span<const Tensor>> ReadBatch(int64_t first);
  // What the graph takes of a batch: all but weights, which losses get when they are added up.
  std::vector<Tensor> FeedsOf(absl::Span<const Tensor> batch) const;
  // The sum of the losses of `count` samples, whose outputs these are, each times its weight.
  absl::StatusOr<double> LossOf(absl::Span<const Tensor> outputs, const BatchTargets& targets,
                                int64_t count) const;
  absl::Status UpdateMetrics(const Tensor& prediction, const BatchTargets& targets, int64_t first,
                             int64_t count);

  LossOptions loss_;
  bool is_host_ = false;                 // the loss is the host program's
  bool has_metrics_ = false;             // of a host's loss
  TargetInterface meant_target_;         // of these
  std::vector<std::string> seen_names_;  // of the outputs that it sees
  int64_t batch_size_ = 1;
  bool has_fixed_batch_ = false;
  std::string note_;
  std::unique_ptr<DataSource> data_;
  std::unique_ptr<BatchReader> reader_;
  std::unique_ptr<Session> session_;
  std::optional<MetricSet> metrics_;
  std::vector<std::string> class_names_;
  std::shared_ptr<StateStore> store_;
  PlanOptions plan_;
  std::optional<int64_t> bad_batch_;  // first sample of the first one whose loss was not finite
};

// InvalidArgument when training of a model with a fixed batch size would meet batches of another:
// `samples` in batches of `batch_size`, an incomplete last one dropped or not.
absl::Status CheckBatchSize(const std::vector<InputInterface>& inputs, int64_t samples,
                            int64_t batch_size, bool drops_last);

}  // namespace strop
