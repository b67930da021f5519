#include "plugin/operations/benchmark.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"
#include "plugin/engine/passes/passes.h"
#include "plugin/engine/plan/specialize.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/options/data_options.h"
#include "plugin/options/outcome.h"
#include "plugin/training/graph/target_form.h"

namespace strop {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kBatchSize = 16;  // where nobody says

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double PeakMegabytes() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

double Median(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const size_t middle = numbers.size() / 2;
  return numbers.size() % 2 == 1 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2;
}

// The model's shapes with the batch size in front; --shape has the last word.
absl::StatusOr<std::map<std::string, Shape>> InputShapes(const Graph& graph,
                                                         const BenchmarkOptions& options) {
  STROP_ASSIGN_OR_RETURN(auto shapes, ParseShapes(options.shapes));
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    if (shapes.contains(value.name) || !value.type.shape || value.type.shape->empty()) continue;
    Shape shape = *value.type.shape;
    if (shape[0] == kUnknownDimension) shape[0] = options.batch_size.value_or(kBatchSize);
    const auto unknown = std::find(shape.begin(), shape.end(), kUnknownDimension);
    if (unknown != shape.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("benchmark: input \"", value.name, "\" is ", TypeName(value.type),
                       "; give its shape with --shape ", value.name, "=…"));
    }
    shapes[value.name] = shape;
  }
  return shapes;
}

// The shapes of data that are like the feeds. Where the model leaves open what its classes are,
// logits [N,T,C] are those of tokens.
absl::StatusOr<DataShapes> LikelyData(const ImportedModel& model, const LossOptions& loss,
                                      const std::vector<Tensor>& feeds) {
  DataShapes data;
  for (const Tensor& feed : feeds) {
    if (feed.shape().empty()) {
      return absl::InvalidArgumentError(
          "benchmark: an input of the model is a single number, expected samples along axis 0");
    }
    data.inputs.emplace_back(feed.shape().begin() + 1, feed.shape().end());
    data.batch_size = feed.shape()[0];
  }
  data.has_fixed_batch = FixedBatchSize(InputsOf(model.graph)) > 0;
  if (loss.kind != LossKind::kCrossEntropy || loss.class_axis) return data;
  STROP_ASSIGN_OR_RETURN(const ValueId output, ChooseOutput(model.graph, loss.output));
  STROP_ASSIGN_OR_RETURN(const PredictionShape prediction,
                         FindPredictionShape(model.graph, output, data));
  if (prediction.shape.size() != 3) return data;
  const Shape batch = SampleBatch(prediction);
  data.target = DataField{std::string(kTargetField), DataType::kInt64,
                          Shape(batch.begin() + 1, batch.end() - 1)};
  return data;
}

absl::StatusOr<Tensor> RandomTarget(const TargetInterface& target, int64_t batch_size) {
  Shape shape = *target.type.shape;
  std::replace(shape.begin(), shape.end(), kUnknownDimension, batch_size);
  std::vector<double> numbers(static_cast<size_t>(ElementCount(shape)));
  const bool are_classes = target.kind == TargetInterface::Kind::kClasses;
  const int64_t range = are_classes ? std::max<int64_t>(target.class_count, 1) : 2;
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<double>(static_cast<int64_t>(i * 7919) % range);
  }
  const DataType type = are_classes ? DataType::kInt64 : target.type.element_type;
  return ConvertTensor(Tensor::FromVector(shape, numbers), type);
}

// Feeds by the training graph's input order.
absl::StatusOr<std::vector<Tensor>> TrainingFeeds(const TrainingGraph& training,
                                                  const std::vector<Tensor>& inputs,
                                                  int64_t batch_size, double learning_rate) {
  std::vector<Tensor> feeds = inputs;
  STROP_ASSIGN_OR_RETURN(Tensor target, RandomTarget(training.target, batch_size));
  feeds.push_back(std::move(target));
  feeds.push_back(Tensor::Scalar<double>(learning_rate));
  feeds.push_back(Tensor::Scalar<int64_t>(1));
  return feeds;
}

// The batch size of a model that fixes it, or of --shape, is no other that was asked for.
absl::Status CheckBatchSize(const BenchmarkOptions& options, int64_t found) {
  if (options.batch_size.value_or(found) == found) return absl::OkStatus();
  return UsageError(absl::StrCat("--batch-size: found ", *options.batch_size, ", expected ", found,
                                 ", the batch size that the model or --shape fixes"));
}

absl::StatusOr<double> RooflineSeconds(const Graph& graph, const std::vector<Tensor>& feeds,
                                       const PlanOptions& plan, const MachineRates& rates) {
  std::vector<Shape> shapes;
  for (const Tensor& feed : feeds) shapes.push_back(feed.shape());
  STROP_ASSIGN_OR_RETURN(Graph specialised, Specialize(graph, shapes));
  STROP_RETURN_IF_ERROR(Optimize(specialised, plan));
  return LeastSeconds(specialised, rates);
}

}  // namespace

void AddBenchmarkOptions(OptionSet& set, BenchmarkOptions& options) {
  AddModelArgument(set, options.model);
  set.Add({{.name = "batch-size",
            .target = &options.batch_size,
            .unit = "samples",
            .range = kFromOne,
            .is_common = true,
            .help = "Samples a step, where neither the model nor --shape fixes them; by default "
                    "16"},
           {.name = "steps",
            .target = &options.steps,
            .unit = "steps",
            .range = kFromOne,
            .has_default = true,
            .is_common = true,
            .help = "Steps to time, after the first"},
           {.name = "shape",
            .target = &options.shapes,
            .value_name = "NAME=1,3,224,224",
            .is_repeated = true,
            .is_common = true,
            .help = "Shape of an input with unknown dimensions"}});
  AddLossOptions(set, options.loss);
  AddOptimizerOptions(set, options.optimizer);
  AddSelectionOptions(set, options.model);
  AddModeOptions(set, options.modes);
  AddLoraOptions(set, options.lora);
  AddPrecisionOption(set, options.model);
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
  AddSeedOption(set, options.model);
}

double Benchmark::median_seconds() const { return Median(step_seconds); }

double Benchmark::least_seconds() const {
  return *std::min_element(step_seconds.begin(), step_seconds.end());
}

absl::StatusOr<Benchmark> RunBenchmark(const BenchmarkOptions& options) {
  const Clock::time_point start = Clock::now();
  STROP_ASSIGN_OR_RETURN(ImportedModel model, LoadModel(options.model));
  STROP_RETURN_IF_ERROR(ApplyLora(options.lora, options.model, model).status());
  TrainingGraphOptions graph_options;
  STROP_ASSIGN_OR_RETURN(graph_options.loss, LossOptionsOf(options.loss));
  STROP_ASSIGN_OR_RETURN(graph_options.optimizer, OptimizerOptionsOf(options.optimizer));
  STROP_RETURN_IF_ERROR(ApplyModes(options.modes, graph_options));
  graph_options.recompute_activations |= !options.lora.lora.patterns.empty();
  STROP_ASSIGN_OR_RETURN(const auto shapes, InputShapes(model.graph, options));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs,
                         RandomFeeds(model.graph, shapes, 1, options.model.seed));
  STROP_ASSIGN_OR_RETURN(const DataShapes data, LikelyData(model, graph_options.loss, inputs));
  STROP_RETURN_IF_ERROR(CheckBatchSize(options, data.batch_size));
  const PlanOptions& plan = options.model.plan;
  const TeamSize team(plan.threads);  // of the rates, too
  STROP_ASSIGN_OR_RETURN(TrainingGraph training,
                         BuildTrainingGraph(model, graph_options, data, plan));
  STROP_ASSIGN_OR_RETURN(
      std::vector<Tensor> feeds,
      TrainingFeeds(training, inputs, data.batch_size, LearningRateOf(options.optimizer)));
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
                         Session::Create(training.graph, std::make_shared<StateStore>(), plan));
  session->set_seed(options.model.seed);
  ReleaseStateTensors(model.graph);
  ReleaseStateTensors(training.graph);

  Benchmark benchmark;
  benchmark.model = options.model.path;
  benchmark.precision = options.model.precision;
  benchmark.threads = TeamSize::Of(plan.threads);
  benchmark.batch_size = data.batch_size;
  for (int64_t step = 0; step <= options.steps; ++step) {
    const Clock::time_point step_start = Clock::now();
    *feeds.back().mutable_elements<int64_t>().data() = step + 1;
    STROP_RETURN_IF_ERROR(session->Run(feeds).status());
    if (step == 0) {
      benchmark.first_step_seconds = SecondsSince(start);
    } else {
      benchmark.step_seconds.push_back(SecondsSince(step_start));
    }
  }
  benchmark.peak_rss_mb = PeakMegabytes();
  session.reset();
  benchmark.rates = MeasureRates();
  STROP_ASSIGN_OR_RETURN(const double least,
                         RooflineSeconds(training.graph, feeds, plan, benchmark.rates));
  benchmark.roofline_fraction = least / benchmark.median_seconds();
  return benchmark;
}

nlohmann::ordered_json ToJson(const Benchmark& benchmark) {
  return {{"model", benchmark.model},
          {"batch_size", benchmark.batch_size},
          {"precision", benchmark.precision},
          {"threads", benchmark.threads},
          {"step_ms_median", benchmark.median_seconds() * 1e3},
          {"step_ms_min", benchmark.least_seconds() * 1e3},
          {"first_step_s", benchmark.first_step_seconds},
          {"peak_rss_mb", benchmark.peak_rss_mb},
          {"roofline_fraction", benchmark.roofline_fraction},
          {"gflops", benchmark.rates.operations_per_second / 1e9},
          {"gigabytes_per_s", benchmark.rates.bytes_per_second / 1e9}};
}

Operation BenchmarkOperation() {
  Operation operation(kBenchmark);
  const auto options = std::make_shared<BenchmarkOptions>();
  AddBenchmarkOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const Benchmark benchmark, RunBenchmark(*options));
    return ToJson(benchmark);
  };
  return operation;
}

}  // namespace strop
