#include "plugin/training/metrics/evaluate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/number_conversion.h"
#include "plugin/data/target_check.h"
#include "plugin/engine/runtime/anomaly.h"
#include "plugin/training/graph/loss_weight.h"

namespace strop {

namespace {

absl::Status CheckFixedBatch(const std::vector<InputInterface>& inputs, int64_t batch_size) {
  const int64_t fixed = FixedBatchSize(inputs);
  if (fixed == 0 || batch_size == fixed) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "train: input \"", inputs[0].name, "\" takes batches of ", fixed, ", found a batch size of ",
      batch_size, "; use --batch-size ", fixed, " or export with a dynamic batch dimension"));
}

// The first `count` of the elements along axis 0.
Tensor First(const Tensor& tensor, int64_t count) {
  Shape shape = tensor.shape();
  if (shape[0] == count) return tensor;
  shape[0] = count;
  return Tensor::Borrow(tensor.type(), std::move(shape), tensor.data(), nullptr);
}

// Those of the first `count` of the `batch` samples that an output is of.
absl::StatusOr<Tensor> SamplesOf(const Tensor& output, int64_t count, int64_t batch) {
  if (count == batch) return output;
  const bool has_samples = !output.shape().empty() && output.shape()[0] % batch == 0;
  if (has_samples) return First(output, output.shape()[0] / batch * count);
  return absl::InvalidArgumentError(
      absl::StrCat("evaluate: found an output ", ShapeName(output.shape()), " of a batch of ",
                   batch, ", of which ", batch - count,
                   " samples fill it up, expected rows for each; give whole batches"));
}

}  // namespace

absl::Status CheckBatchSize(const std::vector<InputInterface>& inputs, int64_t samples,
                            int64_t batch_size, bool drops_last) {
  if (batch_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("train: batch size is ", batch_size, ", expected at least 1"));
  }
  STROP_RETURN_IF_ERROR(CheckFixedBatch(inputs, batch_size));
  const int64_t fixed = FixedBatchSize(inputs);
  if (fixed == 0 || samples % fixed == 0 || (drops_last && samples >= fixed)) {
    return absl::OkStatus();
  }
  const std::string where =
      absl::StrCat("train: input \"", inputs[0].name, "\" takes batches of ", fixed);
  if (samples < fixed) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ", found ", samples,
                     " samples to train on, too few for one; give more data or export with a "
                     "dynamic batch dimension"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(where, ", which do not divide ", samples,
                   " samples; use --drop-last or export with a dynamic batch dimension"));
}

absl::StatusOr<std::unique_ptr<Evaluator>> Evaluator::Create(
    const ImportedModel& model, const EvaluationOptions& options, std::unique_ptr<DataSource> data,
    std::shared_ptr<StateStore> store, PlanOptions plan, std::shared_ptr<Arena> arena) {
  const std::vector<InputInterface> inputs = InputsOf(model.graph);
  const int64_t samples = data->sample_count();
  STROP_RETURN_IF_ERROR(ChooseOutput(model.graph, options.loss.output).status());
  STROP_ASSIGN_OR_RETURN(DataShapes shapes,
                         ShapesFor(*data, inputs, std::min(options.batch_size, samples)));
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<SequencePadding> padding,
                         SequencePadding::Read(*data, inputs, options.padding, shapes));
  STROP_ASSIGN_OR_RETURN(EvaluationGraph graph,
                         BuildEvaluationGraph(model, options.loss, shapes, plan));
  STROP_RETURN_IF_ERROR(
      CheckFixedBatch(inputs, shapes.has_fixed_batch ? options.batch_size : shapes.batch_size));
  std::unique_ptr<Evaluator> evaluator(new Evaluator());
  evaluator->loss_ = options.loss;
  if (graph.meaning == LossKind::kHost && !options.metrics.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "evaluate: metric ", options.metrics[0], ": found targets of shape ",
        ShapeName(shapes.target->shape),
        " a sample, expected classes or numbers that fit the model's output; leave metrics out"));
  }
  const MetricTask task = {graph.meaning, graph.class_axis, options.loss.ignore_index,
                           graph.prediction};
  STROP_ASSIGN_OR_RETURN(evaluator->metrics_,
                         MetricSet::Create(options.metrics, options.keeps_confusion_matrix, task));
  evaluator->is_host_ = options.loss.kind == LossKind::kHost;
  const bool has_meaning = graph.meaning != LossKind::kHost;
  evaluator->has_metrics_ =
      has_meaning &&
      (options.watches_predictions || options.keeps_confusion_matrix || !options.metrics.empty());
  evaluator->meant_target_ = graph.meant_target;
  evaluator->seen_names_ = graph.seen_names;
  if (options.watches_predictions && has_meaning) evaluator->metrics_->WatchPredictions();
  evaluator->class_names_.assign(data->class_names().begin(), data->class_names().end());
  STROP_ASSIGN_OR_RETURN(evaluator->data_,
                         BindToModel(std::move(data), graph.inputs, graph.target));
  if (padding) STROP_RETURN_IF_ERROR(padding->TakeTarget(*evaluator->data_, graph.target));
  evaluator->batch_size_ = shapes.batch_size;
  evaluator->has_fixed_batch_ = shapes.has_fixed_batch;
  evaluator->note_ = std::move(graph.note);
  evaluator->reader_ = std::make_unique<BatchReader>(*evaluator->data_, padding);
  STROP_RETURN_IF_ERROR(CheckSamplesCount(options.loss, evaluator->batch_size_, *evaluator->data_,
                                          *evaluator->reader_));
  if (store == nullptr) store = std::make_shared<StateStore>();
  evaluator->plan_ = plan;
  evaluator->store_ = store;
  STROP_ASSIGN_OR_RETURN(
      evaluator->session_,
      Session::Create(std::move(graph.graph), std::move(store), plan, std::move(arena)));
  return evaluator;
}

absl::StatusOr<EvaluationResult> Evaluator::Evaluate(
    const std::function<void(int64_t done)>& on_progress) {
  metrics_->Reset();
  EvaluationResult result;
  double all_weight = 0;
  bad_batch_.reset();
  result.sample_count = data_->sample_count();
  for (int64_t begin = 0; begin < result.sample_count; begin += batch_size_) {
    const int64_t count = std::min(batch_size_, result.sample_count - begin);
    STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> batch, ReadBatch(begin));
    STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, session_->Run(FeedsOf(batch)));
    STROP_ASSIGN_OR_RETURN(BatchTargets targets, TargetsOf(*data_, batch));
    const Tensor target = First(batch.back(), count);
    targets.target = &target;
    if (!targets.sample_weights.empty()) {
      targets.sample_weights.resize(static_cast<size_t>(count));
    }
    std::vector<Tensor> samples;
    for (const Tensor& output : outputs) {
      STROP_ASSIGN_OR_RETURN(samples.emplace_back(),
                             SamplesOf(output, count, batch.back().shape()[0]));
    }
    STROP_ASSIGN_OR_RETURN(const double loss, LossOf(samples, targets, count));
    if (!std::isfinite(loss) && !bad_batch_) bad_batch_ = begin;
    result.loss += loss;
    all_weight += LossWeight(loss_, target, targets.sample_weights);
    STROP_RETURN_IF_ERROR(UpdateMetrics(samples[is_host_ ? 0 : 1], targets, begin, count));
    if (on_progress) on_progress(begin + count);
  }
  result.loss /= all_weight;
  result.metrics = metrics_->Values();
  result.confusion_matrix = metrics_->confusion_matrix();
  return result;
}

std::vector<Tensor> Evaluator::FeedsOf(absl::Span<const Tensor> batch) const {
  std::vector<Tensor> feeds(batch.begin(), batch.end());
  const int weights = data_->FindWeights();
  if (weights >= 0) feeds.erase(feeds.begin() + weights);
  return feeds;
}

absl::StatusOr<double> Evaluator::LossOf(absl::Span<const Tensor> outputs,
                                         const BatchTargets& targets, int64_t count) const {
  if (is_host_) {
    STROP_ASSIGN_OR_RETURN(const double mean, loss_.host->Compute({.names = seen_names_,
                                                                   .outputs = outputs.subspan(1),
                                                                   .target = *targets.target,
                                                                   .gradients = {}}));
    return mean * static_cast<double>(count);
  }
  STROP_ASSIGN_OR_RETURN(std::vector<double> losses, NumericElements(outputs[0]));
  const std::vector<double>& weights = targets.sample_weights;
  if (!weights.empty()) {
    const size_t positions = losses.size() / weights.size();
    for (size_t i = 0; i < losses.size(); ++i) losses[i] *= weights[i / positions];
  }
  const double sum = std::accumulate(losses.begin(), losses.end(), 0.0);
  return sum * static_cast<double>(count) / static_cast<double>(losses.size());
}

absl::Status Evaluator::UpdateMetrics(const Tensor& prediction, const BatchTargets& targets,
                                      int64_t first, int64_t count) {
  const Tensor& target = *targets.target;
  if (!is_host_) return metrics_->Update(prediction, target, count, targets.sample_weights);
  if (!has_metrics_) return absl::OkStatus();
  // A host's loss takes targets as the data have them, metrics as the losses of their kind do.
  Tensor meant(meant_target_.type.element_type, target.shape());
  STROP_ASSIGN_OR_RETURN(const int64_t bad,
                         ConvertNumbers(target, meant, target.element_count(), NonFinite::kRefuse));
  const Shape sample(target.shape().begin() + 1, target.shape().end());
  TargetFault fault{bad, "found a number that is none of its targets"};
  if (bad < 0) {
    STROP_ASSIGN_OR_RETURN(fault,
                           FindTargetFault(meant_target_, sample, meant, target.element_count()));
  }
  if (fault.element < 0) return metrics_->Update(prediction, meant, count);
  const int64_t row = first + fault.element / std::max<int64_t>(1, ElementCount(sample));
  return absl::InvalidArgumentError(absl::StrCat("evaluate: \"", data_->origin(),
                                                 "\", \"target\", row ", row, ": ", fault.problem,
                                                 ", for metrics; leave them out"));
}

absl::StatusOr<absl::Span<const Tensor>> Evaluator::ReadBatch(int64_t first) {
  std::vector<int64_t> samples(
      static_cast<size_t>(std::min(batch_size_, data_->sample_count() - first)));
  std::iota(samples.begin(), samples.end(), first);
  // A model that takes whole batches only gets the last sample again until one is full.
  if (has_fixed_batch_) samples.resize(static_cast<size_t>(batch_size_), samples.back());
  return reader_->Read(samples);
}

absl::StatusOr<std::string> Evaluator::DescribeBadLoss() {
  if (!bad_batch_) return std::string();
  PlanOptions plan = plan_;
  plan.detect_anomaly = true;
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         Session::Create(session_->graph(), store_, plan));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> batch, ReadBatch(*bad_batch_));
  const absl::Status bad = session->Run(FeedsOf(batch)).status();
  if (bad.ok()) return std::string();
  if (!IsAnomaly(bad)) return bad;
  return absl::StrCat(": ", bad.message());
}

absl::StatusOr<std::optional<PredictionReport>> Evaluator::Predictions(bool with_samples) {
  PredictionReport report;
  if (const RegressionWatch* regression = metrics_->regression()) {
    if (with_samples) report.pairs = regression->pairs();
    return report;
  }
  const PredictionWatch* watch = metrics_->predictions();
  if (watch == nullptr) return std::nullopt;
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
