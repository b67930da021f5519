#include "plugin/monitor/json_lines_sink.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "graph/status_macros.h"
#include "plugin/monitor/log_file.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

Json NumberOf(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return number;
}

Json NumbersOf(const std::vector<double>& numbers) {
  Json array = Json::array();
  for (const double number : numbers) array.push_back(NumberOf(number));
  return array;
}

void Describe(const RunStart& run, Json& line) {
  line["format"] = 1;
  line["command"] = run.command;
  line["environment"] = run.environment;
}

void Describe(const Hyperparameters& hyperparameters, Json& line) {
  Json values = Json::object();
  for (const auto& [name, value] : hyperparameters.values) {
    values[name] = std::visit(
        [](const auto& typed) -> Json {
          if constexpr (std::is_same_v<std::decay_t<decltype(typed)>, double>) {
            return NumberOf(typed);
          } else {
            return typed;
          }
        },
        value);
  }
  line["values"] = std::move(values);
}

void Describe(const LayerList& layers, Json& line) {
  line["parameters"] = Json::array();
  for (const LayerList::Parameter& parameter : layers.parameters) {
    line["parameters"].push_back({{"name", parameter.name},
                                  {"layer", parameter.layer},
                                  {"elements", parameter.element_count}});
  }
  line["activations"] = Json::array();
  for (const LayerList::Activation& activation : layers.activations) {
    line["activations"].push_back({{"name", activation.name}, {"op", activation.op}});
  }
}

void Describe(const ModelGraph& graph, Json& line) {
  line["nodes"] = Json::array();
  for (const ModelGraph::Node& node : graph.nodes) {
    Json shape = nullptr;
    if (node.shape) shape = std::vector<int64_t>(node.shape->begin(), node.shape->end());
    line["nodes"].push_back({{"name", node.name},
                             {"op", node.op},
                             {"inputs", node.inputs},
                             {"shape", std::move(shape)},
                             {"type", node.type}});
  }
}

void Describe(const Scalars& scalars, Json& line) {
  Json values = Json::object();
  for (const auto& [tag, value] : scalars.values) values[tag] = NumberOf(value);
  line["values"] = std::move(values);
}

void Describe(const Histogram& histogram, Json& line) {
  line["tag"] = histogram.tag;
  line["count"] = histogram.count;
  line["minimum"] = NumberOf(histogram.minimum);
  line["maximum"] = NumberOf(histogram.maximum);
  line["sum"] = NumberOf(histogram.sum);
  line["sum_of_squares"] = NumberOf(histogram.sum_of_squares);
  line["limits"] = NumbersOf(histogram.limits);
  line["counts"] = histogram.counts;
}

void Describe(const ConfusionMatrix& matrix, Json& line) {
  line["tag"] = matrix.tag;
  line["labels"] = matrix.labels;
  line["counts"] = matrix.counts;
}

void Describe(const WorstExamples& worst, Json& line) {
  line["tag"] = worst.tag;
  line["examples"] = Json::array();
  for (const WorstExamples::Example& example : worst.examples) {
    Json entry = {{"sample", example.sample},
                  {"true", example.label},
                  {"predicted", example.predicted},
                  {"loss", NumberOf(example.loss)}};
    if (!example.png.empty()) {
      entry["width"] = example.width;
      entry["height"] = example.height;
      entry["png"] = absl::Base64Escape(example.png);
    }
    line["examples"].push_back(std::move(entry));
  }
}

Json NumberRowsOf(const std::vector<std::vector<double>>& rows) {
  Json array = Json::array();
  for (const std::vector<double>& row : rows) array.push_back(NumbersOf(row));
  return array;
}

void Describe(const PredictedAgainstTrue& regression, Json& line) {
  line["tag"] = regression.tag;
  line["outputs"] = regression.pairs.outputs;
  line["samples"] = regression.pairs.samples;
  line["true"] = NumberRowsOf(regression.pairs.truths);
  line["predicted"] = NumberRowsOf(regression.pairs.predicted);
}

void Describe(const PngImage& image, Json& line) {
  line["tag"] = image.tag;
  line["width"] = image.width;
  line["height"] = image.height;
  line["png"] = absl::Base64Escape(image.png);
}

void Describe(const Text& text, Json& line) {
  line["tag"] = text.tag;
  line["text"] = text.text;
}

void Describe(const HealthFinding& finding, Json& line) {
  line["finding"] = finding.finding;
  line["severity"] = finding.is_warning ? "warning" : "note";
  line["message"] = finding.message;
  line["layers"] = finding.layers;
}

void Describe(const RunResume&, Json&) {}

void Describe(const RunEnd& end, Json& line) {
  constexpr const char* kNames[] = {"finished", "stopped_early", "stopped_by_signal", "failed"};
  line["status"] = kNames[static_cast<size_t>(end.status)];
  line["message"] = end.message;
  if (end.weights.empty()) return;
  line["weights"] = end.weights;
  if (end.weights_epoch) line["weights_epoch"] = *end.weights_epoch;
}

std::string_view KindOf(const Record& record) {
  constexpr std::string_view kKinds[] = {
      "run",      "hyperparameters", "layers", "graph", "scalars", "histogram", "confusion_matrix",
      "examples", "regression",      "image",  "text",  "health",  "resume",    "end"};
  static_assert(std::size(kKinds) == std::variant_size_v<decltype(Record::content)>);
  const auto* scalars = std::get_if<Scalars>(&record.content);
  if (scalars != nullptr && scalars->is_epoch_end) return "epoch";
  return kKinds[record.content.index()];
}

class JsonLinesSink : public RecordSink {
 public:
  explicit JsonLinesSink(LogFile file) : file_(std::move(file)) {}

  absl::Status Write(const Record& record) override {
    return file_.Append(JsonLineOf(record) + '\n');
  }
  absl::Status Flush() override { return file_.Flush(); }

 private:
  LogFile file_;
};

// Whether a line stays when the run goes on from `resume`. The end of an epoch has the step of its
// last batch, yet a checkpoint of that step may stand before it.
bool Holds(std::string_view line, const ResumePoint& resume) {
  const Json record = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return false;
  const std::string kind = record.value("kind", "");
  if (kind == "end" || record.value("step", int64_t{0}) > resume.step) return false;
  const bool is_of_epoch_end =
      kind == "epoch" || kind == "confusion_matrix" || kind == "examples" || kind == "regression";
  return !is_of_epoch_end || record.value("epoch", int64_t{0}) <= resume.epochs;
}

}  // namespace

std::string JsonLineOf(const Record& record) {
  Json line = {{"kind", KindOf(record)},
               {"step", record.step},
               {"epoch", record.epoch},
               {"time", record.time}};
  std::visit([&line](const auto& content) { Describe(content, line); }, record.content);
  // Names in a model need not be UTF-8.
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<std::unique_ptr<RecordSink>> OpenJsonLines(
    const std::string& path, const std::optional<ResumePoint>& resume) {
  if (resume) {
    STROP_RETURN_IF_ERROR(
        KeepLines(path, [&resume](std::string_view line) { return Holds(line, *resume); }));
  }
  STROP_ASSIGN_OR_RETURN(LogFile file, resume ? LogFile::Continue(path) : LogFile::Create(path));
  return std::make_unique<JsonLinesSink>(std::move(file));
}

}  // namespace strop
