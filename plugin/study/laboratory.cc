#include "plugin/study/laboratory.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "models/architectures/architecture.h"
#include "plugin/data/split.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/passes/passes.h"
#include "plugin/study/digits.h"
#include "plugin/training/graph/node_mode.h"
#include "plugin/training/run/shuffle.h"

namespace strop {
namespace {

constexpr double kValidationShare = 0.2;
constexpr int64_t kProbeSamples = 256;

absl::Status Stopped() { return absl::CancelledError("study: stopped"); }

// Some samples of another source, drawn at random: digits lie in the order of their writers.
class DrawnSamples : public DataSource {
 public:
  DrawnSamples(std::unique_ptr<DataSource> whole, int64_t count)
      : whole_(std::move(whole)), order_(ShuffledOrder(whole_->sample_count(), 0, 0)) {
    order_.resize(std::min(order_.size(), static_cast<size_t>(count)));
  }
  int64_t sample_count() const override { return static_cast<int64_t>(order_.size()); }
  const std::vector<DataField>& fields() const override { return whole_->fields(); }
  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    std::vector<int64_t> drawn;
    for (const int64_t index : indices) drawn.push_back(order_[static_cast<size_t>(index)]);
    return whole_->Read(drawn, batch);
  }
  const std::string& origin() const override { return whole_->origin(); }
  absl::Span<const std::string> class_names() const override { return whole_->class_names(); }

 private:
  std::unique_ptr<DataSource> whole_;
  std::vector<int64_t> order_;
};

// The first samples of `source` as the graph's inputs take them, the target last.
absl::StatusOr<std::vector<Tensor>> FirstBatch(std::unique_ptr<DataSource> source,
                                               const std::vector<InputInterface>& inputs,
                                               const TargetInterface& target, int64_t most) {
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<DataSource> bound,
                         BindToModel(std::move(source), inputs, target));
  std::vector<int64_t> indices(static_cast<size_t>(std::min(most, bound->sample_count())));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  BatchReader reader(*bound);
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> batch, reader.Read(indices));
  std::vector<Tensor> tensors;
  for (const Tensor& tensor : batch) tensors.push_back(tensor.Clone());
  return tensors;
}

absl::StatusOr<int64_t> CountClasses(DataSource& data) {
  const int field = data.FindField(kTargetField);
  if (field < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("study: ", data.origin(), " has no target; name the label with --target"));
  }
  int64_t classes = static_cast<int64_t>(data.class_names().size());
  std::vector<Tensor> sample = data.MakeBatch(1);
  for (int64_t i = 0; i < data.sample_count(); ++i) {
    STROP_RETURN_IF_ERROR(data.Read({i}, absl::MakeSpan(sample)));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> label,
                           NumericElements(sample[static_cast<size_t>(field)]));
    if (label.size() != 1 || label[0] < 0 || label[0] != std::floor(label[0]) || label[0] > 1e4) {
      return absl::InvalidArgumentError(absl::StrCat(
          "study: sample ", i, " of ", data.origin(),
          " has no class as its target, expected a whole number from 0 on; give a --model"));
    }
    classes = std::max(classes, static_cast<int64_t>(label[0]) + 1);
  }
  return classes;
}

}  // namespace

double Experiment::Validation(const std::string& metric) const {
  if (has_diverged || epochs.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto found = epochs.back().metrics.find(metric);
  return found == epochs.back().metrics.end() ? std::numeric_limits<double>::quiet_NaN()
                                              : found->second;
}

double Experiment::validation_loss() const {
  if (has_diverged || epochs.empty()) return std::numeric_limits<double>::quiet_NaN();
  return epochs.back().validation_loss.value_or(std::numeric_limits<double>::quiet_NaN());
}

double Experiment::train_loss() const {
  return has_diverged || epochs.empty() ? std::numeric_limits<double>::quiet_NaN()
                                        : epochs.back().train_loss;
}

absl::StatusOr<std::unique_ptr<Laboratory>> Laboratory::Create(LaboratoryOptions options) {
  if (options.data == nullptr) {
    STROP_ASSIGN_OR_RETURN(options.data, Digits());
  }
  const int64_t fixed =
      options.model.has_value() ? FixedBatchSize(InputsOf(options.model->graph)) : 0;
  if (fixed > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("study: the model takes batches of ", fixed,
                     " only, expected one that takes any; export it with a dynamic batch "
                     "dimension"));
  }
  std::unique_ptr<Laboratory> laboratory(new Laboratory(std::move(options)));
  if (!laboratory->has_own_model()) {
    STROP_ASSIGN_OR_RETURN(laboratory->classes_, CountClasses(*laboratory->options_.data));
  }
  return laboratory;
}

int64_t Laboratory::training_count() const {
  const double count = static_cast<double>(sample_count());
  return sample_count() - std::llround(kValidationShare * count);
}

absl::StatusOr<ImportedModel> Laboratory::Perceptron(NetworkOptions network, uint64_t seed) const {
  network.seed = seed;
  network.input.clear();
  for (const DataField& field : options_.data->fields()) {
    if (field.name == kTargetField) continue;
    if (!network.input.empty()) {
      return absl::InvalidArgumentError(
          "study: the data has several inputs, expected one; give a --model that takes them");
    }
    network.input.assign(field.shape.begin(), field.shape.end());
    if (network.input.empty()) network.input = {1};
  }
  if (!network.classes.has_value()) network.classes = classes_;
  NetworkBuilder builder(network);
  FindArchitecture("mlp")->build(builder);
  STROP_ASSIGN_OR_RETURN(const onnx::ModelProto model, builder.Build("study"));
  return ImportModel(ModelFile::FromBytes(model.SerializeAsString(), "study.onnx"));
}

absl::StatusOr<ImportedModel> Laboratory::ModelOr(const NetworkOptions& network,
                                                  uint64_t seed) const {
  if (options_.model.has_value()) return *options_.model;
  return Perceptron(network, seed);
}

absl::StatusOr<Laboratory::Parts> Laboratory::Split(int64_t samples) const {
  STROP_ASSIGN_OR_RETURN(TrainingSplit split,
                         SplitForValidation(options_.data, kValidationShare, /*seed=*/0));
  Parts parts = {std::move(split.training), std::move(split.validation)};
  if (samples > 0)
    parts.training = std::make_unique<DrawnSamples>(std::move(parts.training), samples);
  return parts;
}

absl::StatusOr<Experiment> Laboratory::Train(const ImportedModel& model,
                                             const TrainingOptions& options) const {
  STROP_ASSIGN_OR_RETURN(Parts parts, Split());
  return Train(model, options, std::move(parts));
}

absl::StatusOr<Experiment> Laboratory::Train(const ImportedModel& model,
                                             const TrainingOptions& options, Parts parts) const {
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Trainer> trainer,
                         Trainer::Create(model, options, std::move(parts.training),
                                         std::move(parts.validation), options_.plan));
  Experiment experiment;
  experiment.store = trainer->store();
  TrainingCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& step) { experiment.step_losses.push_back(step.loss); };
  callbacks.on_epoch = [&](const EpochReport& epoch) { experiment.epochs.push_back(epoch); };
  callbacks.should_stop = [&] { return options_.should_stop && options_.should_stop(); };
  STROP_ASSIGN_OR_RETURN(const TrainingResult result, trainer->Run(callbacks));
  if (result.failure) return result.failure->status;
  if (result.was_stopped) return Stopped();
  experiment.has_diverged = result.divergence.has_value();
  experiment.steps = static_cast<int64_t>(experiment.step_losses.size());
  // The first epoch plans its steps.
  const size_t first = experiment.epochs.size() > 1 ? 1 : 0;
  double seconds = 0;
  for (size_t i = first; i < experiment.epochs.size(); ++i) seconds += experiment.epochs[i].seconds;
  const size_t timed = experiment.epochs.size() - first;
  experiment.seconds_per_epoch = timed == 0 ? 0 : seconds / static_cast<double>(timed);
  if (options_.on_run) options_.on_run();
  return experiment;
}

absl::StatusOr<EvaluationResult> Laboratory::MeasureTraining(const ImportedModel& model,
                                                             const TrainingOptions& options,
                                                             const Experiment& experiment,
                                                             int64_t samples) const {
  STROP_ASSIGN_OR_RETURN(Parts parts, Split(samples));
  EvaluationOptions evaluation;
  evaluation.loss = options.graph.loss;
  evaluation.metrics = options.metrics;
  evaluation.batch_size = std::min<int64_t>(kProbeSamples, parts.training->sample_count());
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Evaluator> evaluator,
                         Evaluator::Create(model, evaluation, std::move(parts.training),
                                           experiment.store, options_.plan));
  return evaluator->Evaluate();
}

absl::StatusOr<std::vector<LayerGradient>> Laboratory::Gradients(
    const ImportedModel& model, std::shared_ptr<StateStore> store) const {
  STROP_ASSIGN_OR_RETURN(Parts parts, Split());
  Graph graph = model.graph;
  const std::vector<InputInterface> inputs = InputsOf(graph);
  STROP_ASSIGN_OR_RETURN(const DataShapes shapes,
                         ShapesFor(*parts.training, inputs, kProbeSamples));
  STROP_RETURN_IF_ERROR(Simplify(graph, options_.plan));
  STROP_RETURN_IF_ERROR(SetBatchNormMode(graph, /*is_training=*/true));
  graph.state_updates.clear();  // a probe changes nothing
  STROP_ASSIGN_OR_RETURN(const AttachedLoss attached, AttachLoss(graph, options_.loss, shapes));
  std::vector<ValueId> matrices;
  std::vector<std::string> names;
  std::vector<LayerGradient> gradients;
  for (const Parameter& parameter : model.parameters) {
    if (parameter.role != Parameter::Role::kTrained) continue;
    if (graph.type(parameter.value).shape->size() < 2) continue;
    matrices.push_back(parameter.value);
    names.push_back(parameter.name);
  }
  STROP_ASSIGN_OR_RETURN(const std::vector<ValueId> found,
                         Differentiate(graph, {{attached.loss, kNoValue}}, matrices));
  graph.outputs.clear();
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] == kNoValue) continue;
    graph.outputs.push_back(found[i]);
    gradients.push_back({names[i]});
  }
  graph.RemoveDeadNodes();
  STROP_ASSIGN_OR_RETURN(
      const std::vector<Tensor> batch,
      FirstBatch(std::move(parts.training), inputs, attached.interface, kProbeSamples));
  if (store == nullptr) store = std::make_shared<StateStore>();
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         Session::Create(std::move(graph), std::move(store), options_.plan));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, session->Run(batch));
  for (size_t i = 0; i < outputs.size(); ++i) {
    STROP_ASSIGN_OR_RETURN(const std::vector<double> elements, NumericElements(outputs[i]));
    double squares = 0;
    for (const double element : elements) squares += element * element;
    gradients[i].norm = std::sqrt(squares);
    gradients[i].root_mean_square = std::sqrt(squares / static_cast<double>(elements.size()));
  }
  return gradients;
}

absl::StatusOr<std::vector<Tensor>> Laboratory::Activations(
    const ImportedModel& model, std::shared_ptr<StateStore> store,
    const std::vector<std::string>& names) const {
  STROP_ASSIGN_OR_RETURN(Parts parts, Split());
  Graph graph = model.graph;
  const std::vector<InputInterface> inputs = InputsOf(graph);
  graph.outputs.clear();
  std::map<std::string, ValueId> values_by_name;
  for (size_t i = 0; i < graph.values.size(); ++i) {
    values_by_name.emplace(graph.values[i].name, static_cast<ValueId>(i));
  }
  for (const std::string& name : names) graph.outputs.push_back(values_by_name.at(name));
  graph.RemoveDeadNodes();
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> batch,
                         FirstBatch(std::move(parts.validation), inputs, TargetInterface(),
                                    std::numeric_limits<int64_t>::max()));
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                         Session::Create(std::move(graph), std::move(store), options_.plan));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, session->Run(batch));
  std::vector<Tensor> values;
  for (const Tensor& output : outputs) values.push_back(output.Clone());
  return values;
}

absl::StatusOr<size_t> Laboratory::StepBytes(const ImportedModel& model,
                                             const TrainingOptions& options) const {
  STROP_ASSIGN_OR_RETURN(Parts parts, Split());
  const int64_t all = parts.training->sample_count();
  const int64_t batch_size = options.batch_size == 0 ? all : options.batch_size;
  STROP_ASSIGN_OR_RETURN(const DataShapes shapes,
                         ShapesFor(*parts.training, InputsOf(model.graph), batch_size));
  STROP_ASSIGN_OR_RETURN(TrainingGraph training,
                         BuildTrainingGraph(model, options.graph, shapes, options_.plan));
  STROP_ASSIGN_OR_RETURN(
      std::vector<Tensor> batch,
      FirstBatch(std::move(parts.training), training.inputs, training.target, batch_size));
  batch.push_back(Tensor::Scalar<double>(options.learning_rate));
  batch.push_back(Tensor::Scalar<int64_t>(1));
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> session,
      Session::Create(std::move(training.graph), std::make_shared<StateStore>(), options_.plan));
  STROP_RETURN_IF_ERROR(session->Prepare(batch));
  return session->arena_bytes();
}

}  // namespace strop
