#include "plugin/training/evaluate.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/training/loss_weight.h"

namespace strop {

int64_t FixedBatchSize(const std::vector<InputInterface>& inputs) {
  for (const InputInterface& input : inputs) {
    if (!input.type.shape.has_value() || input.type.shape->empty()) continue;
    if (input.type.shape->front() != kUnknownDimension) return input.type.shape->front();
  }
  return 0;
}

absl::Status CheckBatchSize(const std::vector<InputInterface>& inputs, int64_t samples,
                            int64_t batch_size, bool drops_last) {
  if (batch_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: batch size is ", batch_size, ", expected at least 1"));
  }
  const int64_t fixed = FixedBatchSize(inputs);
  if (fixed == 0) return absl::OkStatus();
  if (batch_size != fixed) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: input \"", inputs[0].name, "\" takes batches of ", fixed,
                     ", found a batch size of ", batch_size, "; use --batch-size ", fixed,
                     " or export with a dynamic batch dimension"));
  }
  if (drops_last || samples % fixed == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "train: input \"", inputs[0].name, "\" takes batches of ", fixed, ", which do not divide ",
      samples, " samples; use --drop-last or export with a dynamic batch dimension"));
}

absl::StatusOr<std::unique_ptr<Evaluator>> Evaluator::Create(
    const ImportedModel& model, const EvaluationOptions& options, std::unique_ptr<DataSource> data,
    std::shared_ptr<StateStore> store, PlanOptions plan, std::shared_ptr<Arena> arena) {
  const int field = data->FindField(kTargetField);
  STROP_ASSIGN_OR_RETURN(
      EvaluationGraph graph,
      BuildEvaluationGraph(model, options.loss,
                           field < 0 ? nullptr : &data->fields()[static_cast<size_t>(field)]));
  std::unique_ptr<Evaluator> evaluator(new Evaluator());
  evaluator->loss_ = options.loss;
  const MetricTask task = {options.loss.kind, graph.class_axis, options.loss.ignore_index,
                           graph.prediction};
  STROP_ASSIGN_OR_RETURN(evaluator->metrics_,
                         MetricSet::Create(options.metrics, options.keeps_confusion_matrix, task));
  if (options.watches_predictions) evaluator->metrics_->WatchPredictions();
  evaluator->class_names_.assign(data->class_names().begin(), data->class_names().end());
  STROP_ASSIGN_OR_RETURN(evaluator->data_,
                         BindToModel(std::move(data), graph.inputs, graph.target));
  const int64_t samples = evaluator->data_->sample_count();
  evaluator->batch_size_ = std::min(options.batch_size, samples);
  STROP_RETURN_IF_ERROR(CheckBatchSize(graph.inputs, samples, evaluator->batch_size_, false));
  evaluator->reader_ = std::make_unique<BatchReader>(*evaluator->data_);
  if (store == nullptr) store = std::make_shared<StateStore>();
  STROP_ASSIGN_OR_RETURN(
      evaluator->session_,
      Session::Create(std::move(graph.graph), std::move(store), plan, std::move(arena)));
  return evaluator;
}

absl::StatusOr<EvaluationResult> Evaluator::Evaluate() {
  metrics_->Reset();
  EvaluationResult result;
  double all_weight = 0;
  result.sample_count = data_->sample_count();
  std::vector<int64_t> order(static_cast<size_t>(result.sample_count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t begin = 0; begin < result.sample_count; begin += batch_size_) {
    const int64_t count = std::min(batch_size_, result.sample_count - begin);
    STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> batch,
                           reader_->Read(absl::MakeConstSpan(order).subspan(
                               static_cast<size_t>(begin), static_cast<size_t>(count))));
    STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, session_->Run(batch));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> loss, NumericElements(outputs[0]));
    const double weight = LossWeight(loss_, batch.back());
    if (weight > 0) result.loss += loss[0] * weight;
    all_weight += weight;
    STROP_RETURN_IF_ERROR(metrics_->Update(outputs[1], batch.back(), count));
  }
  result.loss /= all_weight;  // NaN where no label counts, as the mean of nothing
  result.metrics = metrics_->Values();
  result.confusion_matrix = metrics_->confusion_matrix();
  return result;
}

absl::StatusOr<std::optional<PredictionReport>> Evaluator::Predictions(bool with_samples) {
  const PredictionWatch* watch = metrics_->predictions();
  if (watch == nullptr) return std::nullopt;
  PredictionReport report;
  report.class_names = class_names_;
  report.confusion_matrix = watch->confusion_matrix();
  if (!with_samples || watch->hardest().empty()) return report;
  report.hardest = watch->hardest();
  std::vector<int64_t> indices;
  for (const HardSample& sample : report.hardest) indices.push_back(sample.sample);
  report.fields = data_->fields();
  report.samples = data_->MakeBatch(static_cast<int64_t>(indices.size()));
  STROP_RETURN_IF_ERROR(data_->Read(indices, absl::MakeSpan(report.samples)));
  return report;
}

}  // namespace strop
