#include "plugin/operations/predict.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"
#include "plugin/data/class_names.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"
#include "plugin/session/checkpoint_model.h"
#include "plugin/training/graph/training_graph.h"
#include "plugin/training/metrics/class_probabilities.h"
#include "plugin/training/metrics/forward_pass.h"

namespace strop {
namespace {

using Take = std::function<absl::Status(const Prediction&)>;

// How a batch's output becomes predictions.
struct Reading {
  LossKind loss = LossKind::kCrossEntropy;
  int64_t class_axis = 1;
  std::vector<std::string> names;  // of the classes; empty: they go by their numbers
  int64_t top_k = 1;
  double threshold = 0.5;
};

std::string NameOf(const Reading& reading, int64_t index) {
  return reading.names.empty() ? absl::StrCat(index) : reading.names[static_cast<size_t>(index)];
}

void RankClasses(const Reading& reading, const double* probabilities, int64_t columns,
                 Prediction& prediction) {
  std::vector<int64_t> order(static_cast<size_t>(columns));
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto is_before = [probabilities](int64_t a, int64_t b) {
    return probabilities[a] != probabilities[b] ? probabilities[a] > probabilities[b] : a < b;
  };
  const int64_t most = std::min(reading.top_k, columns);
  std::partial_sort(order.begin(), order.begin() + most, order.end(), is_before);
  for (int64_t i = 0; i < most; ++i) {
    const int64_t index = order[static_cast<size_t>(i)];
    prediction.classes.push_back({NameOf(reading, index), probabilities[index]});
  }
}

void ChooseLabels(const Reading& reading, const double* probabilities, int64_t columns,
                  Prediction& prediction) {
  prediction.kind = Prediction::Kind::kLabels;
  for (int64_t column = 0; column < columns; ++column) {
    prediction.classes.push_back({NameOf(reading, column), probabilities[column]});
    if (probabilities[column] > reading.threshold) {
      prediction.chosen.push_back(NameOf(reading, column));
    }
  }
}

// One question, whose answer is the second of two classes.
void AnswerQuestion(const Reading& reading, double probability, Prediction& prediction) {
  const bool is_yes = probability > reading.threshold;
  prediction.classes.push_back(
      {NameOf(reading, is_yes ? 1 : 0), is_yes ? probability : 1 - probability});
}

absl::Status CheckHasClasses(const std::string& output, const Reading& reading,
                             const Shape& shape) {
  const bool has_one = ClassAxisOf(shape, reading.loss, reading.class_axis).columns == 1;
  if (reading.loss != LossKind::kCrossEntropy || !has_one) return absl::OkStatus();
  return UsageError(
      absl::StrCat("output \"", output, "\": found ", ShapeName(shape),
                   ", one number per sample, expected one per class; say what it means "
                   "with --loss binary_cross_entropy (yes or no) or mse (the number "
                   "itself)"));
}

// What is no number has no rank.
absl::Status CheckNumbers(const double* probabilities, int64_t columns,
                          const Prediction& prediction) {
  const bool has_nan = std::any_of(probabilities, probabilities + columns,
                                   [](double probability) { return std::isnan(probability); });
  if (!has_nan) return absl::OkStatus();
  const std::string sample = prediction.file.empty() ? absl::StrCat("row ", prediction.row)
                                                     : absl::StrCat("\"", prediction.file, "\"");
  return absl::FailedPreconditionError(
      absl::StrCat("predict: ", sample, ": the model makes NaN of it, expected numbers; look for ",
                   "extreme values in weights and data"));
}

absl::Status AddClasses(const Reading& reading, const Tensor& output, const DataSource& data,
                        int64_t first, int64_t count, const Take& take) {
  const ClassAxis axis = ClassAxisOf(output.shape(), reading.loss, reading.class_axis);
  const int64_t named = axis.kind == ClassKind::kBinary ? 2 : axis.columns;
  STROP_RETURN_IF_ERROR(CheckClassCount(data.origin(), reading.names, named));
  STROP_ASSIGN_OR_RETURN(const ClassProbabilities probabilities, ProbabilitiesOf(output, axis));
  const int64_t positions = probabilities.rows() / count;
  for (int64_t row = 0; row < probabilities.rows(); ++row) {
    Prediction prediction;
    prediction.row = first + row / positions;
    prediction.file = data.FileOf(prediction.row);
    if (positions > 1) prediction.position = row % positions;
    const double* values = probabilities.row(row);
    STROP_RETURN_IF_ERROR(CheckNumbers(values, probabilities.columns, prediction));
    if (probabilities.kind == ClassKind::kBinary) {
      AnswerQuestion(reading, *values, prediction);
    } else if (probabilities.kind == ClassKind::kLabels) {
      ChooseLabels(reading, values, probabilities.columns, prediction);
    } else {
      RankClasses(reading, values, probabilities.columns, prediction);
    }
    STROP_RETURN_IF_ERROR(take(prediction));
  }
  return absl::OkStatus();
}

absl::Status AddNumbers(const Tensor& output, const DataSource& data, int64_t first, int64_t count,
                        const Take& take) {
  STROP_ASSIGN_OR_RETURN(const std::vector<double> numbers, NumericElements(output));
  const auto width = static_cast<ptrdiff_t>(numbers.size()) / count;
  for (int64_t i = 0; i < count; ++i) {
    Prediction prediction;
    prediction.kind = Prediction::Kind::kNumbers;
    prediction.row = first + i;
    prediction.file = data.FileOf(prediction.row);
    prediction.numbers.assign(numbers.begin() + i * width, numbers.begin() + (i + 1) * width);
    STROP_RETURN_IF_ERROR(take(prediction));
  }
  return absl::OkStatus();
}

bool IsClassification(LossKind loss) {
  return loss == LossKind::kCrossEntropy || loss == LossKind::kBinaryCrossEntropy;
}

// What the output means: as typed, or as its last activation says, or classes where it has several
// numbers.
absl::StatusOr<LossKind> MeaningOf(const PredictOptions& options, const ImportedModel& model) {
  if (!options.loss.empty()) return LossKindOf(options.loss);
  STROP_ASSIGN_OR_RETURN(const std::optional<LossKind> absorbed,
                         LossOfActivation(model.graph, options.model_output));
  return absorbed.value_or(LossKind::kCrossEntropy);
}

absl::Status CheckOptions(const PredictOptions& options, LossKind loss) {
  if (options.threshold && loss != LossKind::kBinaryCrossEntropy) {
    return UsageError("--threshold is of binary_cross_entropy's probabilities; see --loss");
  }
  if (options.class_axis && loss != LossKind::kCrossEntropy) {
    return UsageError("--class-axis is of cross_entropy's classes; see --loss");
  }
  if (options.top_k && loss != LossKind::kCrossEntropy) {
    return UsageError("--top-k ranks cross_entropy's classes; see --loss");
  }
  if (!options.data.class_names.empty() && !IsClassification(loss)) {
    return UsageError("--class-names are of classes, not of numbers; see --loss");
  }
  return absl::OkStatus();
}

PredictionFormat FormatOf(const PredictOptions& options) {
  const bool has_json_name =
      options.output.ends_with(".jsonl") || options.output.ends_with(".json");
  const bool is_json = options.format.empty() ? has_json_name : options.format == "jsonl";
  return is_json ? PredictionFormat::kJsonLines : PredictionFormat::kCsv;
}

void AddMeaningOptions(OptionSet& set, PredictOptions& options) {
  set.Add(
      "Meaning",
      {{.name = "model-output",
        .target = &options.model_output,
        .value_name = "NAME",
        .help = "The model output to read; by default the first"},
       {.name = "loss",
        .target = &options.loss,
        .choices = LossNames(),
        .help = "What the model is trained for. cross_entropy: one class a sample, probabilities "
                "by softmax. binary_cross_entropy: yes or no, or any of several labels, by "
                "sigmoid. Others: the numbers themselves. An output that ends in Softmax, "
                "LogSoftmax or Sigmoid is read before it. By default as that activation says, "
                "else cross_entropy"},
       {.name = "class-axis",
        .target = &options.class_axis,
        .suits = {"loss", {"cross_entropy"}},
        .help = "axis of the classes"},
       {.name = "top-k",
        .target = &options.top_k,
        .value_name = "K",
        .range = kFromOne,
        .suits = {"loss", {"cross_entropy"}},
        .help = "how many classes, the most probable first; by default 1"},
       {.name = "threshold",
        .target = &options.threshold,
        .range = kShare,
        .suits = {"loss", {"binary_cross_entropy"}},
        .help = "probability above which it is a yes; by default 0.5"}});
}

}  // namespace

void AddPredictOptions(OptionSet& set, PredictOptions& options) {
  AddModelArgument(set, options.model);
  AddCheckpointOption(set, options.checkpoint);
  AddDataOptions(set, options.data);
  set.at("data").help =
      ".npz, .npy, .csv, a folder of images however deep, or IDX; without labels, or with some "
      "that are passed over";
  AddClassNamesOption(set, options.data);
  AddBatchSizeOption(set, options.data.batch_size);
  AddPaddingOptions(set, options.data);
  AddMeaningOptions(set, options);
  set.Add({OptionalOutput(options.output, "Where the predictions go; by default stdout"),
           {.name = "format",
            .target = &options.format,
            .choices = {"csv", "jsonl"},
            .help = "By default jsonl for a file of that name, else csv"}});
  AddPrecisionOption(set, options.model);
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
}

PredictionText PredictionTextOf(const PredictOptions& options) {
  return {FormatOf(options), options.model.precision == "f64" ? 17 : 9};
}

absl::StatusOr<int64_t> Predict(const PredictOptions& options,
                                const std::function<absl::Status(const Prediction&)>& take) {
  DataArguments data_arguments = options.data;
  STROP_ASSIGN_OR_RETURN(const ImportedModel model,
                         LoadModelAt(options.model, options.checkpoint, &data_arguments));
  Reading reading;
  STROP_ASSIGN_OR_RETURN(reading.loss, MeaningOf(options, model));
  STROP_RETURN_IF_ERROR(CheckOptions(options, reading.loss));
  LossOptions loss;
  loss.kind = reading.loss;
  loss.output = options.model_output;
  loss.class_axis = options.class_axis;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> data, OpenSamplesFor(model, data_arguments));
  const int64_t batch_size = BatchSizeOf(options.data.batch_size, model, 32);
  STROP_ASSIGN_OR_RETURN(
      const DataShapes shapes,
      ShapesFor(*data, InputsOf(model.graph), batch_size == 0 ? data->sample_count() : batch_size,
                /*wants_target=*/false));
  STROP_ASSIGN_OR_RETURN(EvaluationGraph graph,
                         BuildPredictionGraph(model, loss, shapes, options.model.plan));
  reading.class_axis = graph.class_axis;
  const std::string output = graph.graph.value(graph.graph.outputs[0]).name;
  STROP_RETURN_IF_ERROR(CheckHasClasses(output, reading, graph.prediction));
  reading.top_k = options.top_k.value_or(1);
  reading.threshold = options.threshold.value_or(0.5);
  if (IsClassification(reading.loss)) {
    STROP_ASSIGN_OR_RETURN(reading.names, KnownClassNames(data_arguments, &model));
  }
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<ForwardPass> pass,
      ForwardPass::Create(std::move(graph.graph), graph.inputs, std::move(data), batch_size,
                          PaddingOptionsOf(options.data), options.model.plan));
  std::optional<AtomicFile> file;
  if (!options.output.empty()) {
    STROP_ASSIGN_OR_RETURN(AtomicFile created, AtomicFile::Create(options.output));
    file.emplace(std::move(created));
  }
  PredictionWriter writer(PredictionTextOf(options),
                          [&file](const std::string& block) { return file->Append(block); });
  const Take add =
      file ? [&writer](const Prediction& prediction) { return writer.Add(prediction); } : take;
  const int64_t samples = pass->data().sample_count();
  const Listener& listener = options.model.listener;
  STROP_RETURN_IF_ERROR(
      pass->Run([&](int64_t first, int64_t count, absl::Span<const Tensor> outputs) {
        listener.progress(kPredict.name, first, samples);
        return IsClassification(reading.loss)
                   ? AddClasses(reading, outputs[0], pass->data(), first, count, add)
                   : AddNumbers(outputs[0], pass->data(), first, count, add);
      }));
  listener.progress(kPredict.name, samples, samples);
  if (!file) return samples;
  STROP_RETURN_IF_ERROR(writer.Finish());
  STROP_RETURN_IF_ERROR(file->Flush());
  STROP_RETURN_IF_ERROR(file->Commit());
  return samples;
}

Operation PredictOperation() {
  Operation operation(kPredict);
  const auto options = std::make_shared<PredictOptions>();
  AddPredictOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = options->data.listener = callbacks.listener;
    nlohmann::ordered_json predictions = nlohmann::ordered_json::array();
    const auto take = [&predictions](const Prediction& prediction) {
      predictions.push_back(ToJson(prediction));
      return absl::OkStatus();
    };
    STROP_ASSIGN_OR_RETURN(const int64_t samples, Predict(*options, take));
    if (options->output.empty()) return predictions;
    return nlohmann::ordered_json{{"output", options->output}, {"samples", samples}};
  };
  return operation;
}

}  // namespace strop
