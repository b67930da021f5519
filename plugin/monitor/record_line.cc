#include "plugin/monitor/record_line.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace strop {
namespace {

// Lists of numbers by tag are long: objects are looked up by a tree, not in the order of the line.
// Members that are missing or of another type throw.
using Json = nlohmann::json;

// What has no word in JSON is a text.
double NumberOf(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const auto& text = value.get_ref<const std::string&>();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  throw Json::other_error::create(501, "no number", &value);
}

const Json::array_t& ItemsOf(const Json& array) { return array.get_ref<const Json::array_t&>(); }

const Json::object_t& ValuesOf(const Json& line) {
  return line.at("values").get_ref<const Json::object_t&>();
}

std::vector<double> NumbersOf(const Json& array) {
  std::vector<double> numbers;
  numbers.reserve(array.size());
  for (const Json& value : ItemsOf(array)) numbers.push_back(NumberOf(value));
  return numbers;
}

std::string BytesOf(const Json& base64) {
  std::string bytes;
  if (absl::Base64Unescape(base64.get_ref<const std::string&>(), &bytes)) return bytes;
  throw Json::other_error::create(501, "no Base64", &base64);
}

RunStart ReadRun(const Json& line) {
  RunStart run;
  run.command = line.at("command");
  run.environment = line.at("environment");
  return run;
}

Hyperparameters ReadHyperparameters(const Json& line) {
  Hyperparameters hyperparameters;
  for (const auto& [name, value] : ValuesOf(line)) {
    if (value.is_boolean()) {
      hyperparameters.values.emplace_back(name, value.get<bool>());
    } else if (value.is_number()) {
      hyperparameters.values.emplace_back(name, value.get<double>());
    } else {
      hyperparameters.values.emplace_back(name, value.get<std::string>());
    }
  }
  return hyperparameters;
}

LayerList ReadLayers(const Json& line) {
  LayerList layers;
  for (const Json& parameter : ItemsOf(line.at("parameters"))) {
    layers.parameters.push_back(
        {parameter.at("name"), parameter.at("layer"), parameter.at("elements")});
  }
  for (const Json& activation : ItemsOf(line.at("activations"))) {
    layers.activations.push_back({activation.at("name"), activation.at("op")});
  }
  return layers;
}

Scalars ReadScalars(const Json& line, bool is_epoch_end) {
  Scalars scalars;
  scalars.is_epoch_end = is_epoch_end;
  for (const auto& [tag, value] : ValuesOf(line)) {
    scalars.values.emplace_back(tag, NumberOf(value));
  }
  return scalars;
}

Histogram ReadHistogram(const Json& line) {
  Histogram histogram;
  histogram.tag = line.at("tag");
  histogram.count = line.at("count");
  histogram.minimum = NumberOf(line.at("minimum"));
  histogram.maximum = NumberOf(line.at("maximum"));
  histogram.sum = NumberOf(line.at("sum"));
  histogram.sum_of_squares = NumberOf(line.at("sum_of_squares"));
  histogram.limits = NumbersOf(line.at("limits"));
  histogram.counts = NumbersOf(line.at("counts"));
  if (!histogram.counts.empty() && histogram.limits.size() != histogram.counts.size() + 1) {
    throw Json::other_error::create(501, "limits and counts that do not fit", &line);
  }
  return histogram;
}

ConfusionMatrix ReadConfusionMatrix(const Json& line) {
  ConfusionMatrix matrix;
  matrix.tag = line.at("tag");
  matrix.labels = line.at("labels");
  matrix.counts = line.at("counts");
  bool is_square = matrix.counts.size() == matrix.labels.size();
  for (const auto& row : matrix.counts) is_square &= row.size() == matrix.labels.size();
  if (!is_square) throw Json::other_error::create(501, "a matrix that is not square", &line);
  return matrix;
}

WorstExamples ReadExamples(const Json& line) {
  WorstExamples worst;
  worst.tag = line.at("tag");
  for (const Json& entry : ItemsOf(line.at("examples"))) {
    WorstExamples::Example& example = worst.examples.emplace_back();
    example.sample = entry.at("sample");
    example.label = entry.at("true");
    example.predicted = entry.at("predicted");
    example.loss = NumberOf(entry.at("loss"));
    if (!entry.contains("png")) continue;
    example.width = entry.at("width");
    example.height = entry.at("height");
    example.png = BytesOf(entry.at("png"));
  }
  return worst;
}

std::vector<std::vector<double>> NumberRowsOf(const Json& array) {
  std::vector<std::vector<double>> rows;
  for (const Json& row : ItemsOf(array)) rows.push_back(NumbersOf(row));
  return rows;
}

PredictedAgainstTrue ReadRegression(const Json& line) {
  PredictedAgainstTrue regression;
  RegressionPairs& pairs = regression.pairs;
  regression.tag = line.at("tag");
  line.at("outputs").get_to(pairs.outputs);
  line.at("samples").get_to(pairs.samples);
  pairs.truths = NumberRowsOf(line.at("true"));
  pairs.predicted = NumberRowsOf(line.at("predicted"));
  for (const auto* rows : {&pairs.truths, &pairs.predicted}) {
    bool fits = rows->size() == pairs.outputs.size();
    for (const std::vector<double>& row : *rows) fits &= row.size() == pairs.samples.size();
    if (!fits) throw Json::other_error::create(501, "pairs that do not fit", &line);
  }
  return regression;
}

PngImage ReadImage(const Json& line) {
  return {line.at("tag"), line.at("width"), line.at("height"), BytesOf(line.at("png"))};
}

HealthFinding ReadHealth(const Json& line) {
  HealthFinding finding;
  finding.finding = line.at("finding");
  finding.is_warning = line.at("severity") == "warning";
  finding.message = line.at("message");
  finding.layers = line.at("layers");
  return finding;
}

RunEnd ReadEnd(const Json& line) {
  RunEnd end;
  end.message = line.at("message");
  const std::string status = line.at("status");
  if (status == "stopped_early") end.status = RunStatus::kStoppedEarly;
  if (status == "stopped_by_signal") end.status = RunStatus::kStoppedBySignal;
  if (status == "failed") end.status = RunStatus::kFailed;
  if (line.contains("weights")) end.weights = line.at("weights");
  if (line.contains("weights_epoch")) end.weights_epoch = line.at("weights_epoch").get<int64_t>();
  return end;
}

std::optional<Record> ReadRecord(const Json& line) {
  const std::string kind = line.at("kind");
  Record record;
  record.step = line.at("step");
  record.epoch = line.at("epoch");
  record.time = line.at("time");
  if (kind == "run") {
    record.content = ReadRun(line);
  } else if (kind == "hyperparameters") {
    record.content = ReadHyperparameters(line);
  } else if (kind == "layers") {
    record.content = ReadLayers(line);
  } else if (kind == "scalars" || kind == "epoch") {
    record.content = ReadScalars(line, kind == "epoch");
  } else if (kind == "histogram") {
    record.content = ReadHistogram(line);
  } else if (kind == "confusion_matrix") {
    record.content = ReadConfusionMatrix(line);
  } else if (kind == "examples") {
    record.content = ReadExamples(line);
  } else if (kind == "regression") {
    record.content = ReadRegression(line);
  } else if (kind == "image") {
    record.content = ReadImage(line);
  } else if (kind == "text") {
    record.content = Text{line.at("tag"), line.at("text")};
  } else if (kind == "health") {
    record.content = ReadHealth(line);
  } else if (kind == "resume") {
    record.content = RunResume();
  } else if (kind == "end") {
    record.content = ReadEnd(line);
  } else {
    return std::nullopt;
  }
  return record;
}

}  // namespace

absl::StatusOr<std::optional<Record>> ParseRecordLine(std::string_view line) {
  try {
    return ReadRecord(Json::parse(line));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("no record: ", error.what()));
  }
}

}  // namespace strop
