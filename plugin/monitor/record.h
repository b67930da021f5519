#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "graph/tensor_type.h"
#include "plugin/monitor/record_description.h"
#include "plugin/training/metrics/regression_watch.h"

namespace strop {

// What a run tells about itself, one typed record after another. Each type describes itself
// (record_description.h); README.md beside this file says what they become in records.jsonl and
// which tags there are.

// The first record.
struct RunStart {
  static constexpr RecordKind kKind = {.name = "run"};
  static void VisitFields(auto& visit, auto& run) {
    visit("format", Constant{1});
    visit("command", run.command);
    visit("environment", run.environment);
  }

  std::string command;
  std::map<std::string, std::string> environment;
};

// Only `values` is for records.jsonl; the rest tells TensorBoard how to compare runs.
using HyperparameterValue = std::variant<bool, double, std::string>;
struct Hyperparameters {
  static constexpr RecordKind kKind = {.name = "hyperparameters"};
  static void VisitFields(auto& visit, auto& hyperparameters) {
    visit("values", hyperparameters.values);
  }

  std::vector<std::pair<std::string, HyperparameterValue>> values;
  std::vector<std::string> absent;   // what runs are compared by too, but this one does not have
  std::set<std::string> main;        // those that runs are likely to differ by
  std::vector<std::string> metrics;  // tags by which runs are compared
};

// The order in which the model's layers stand.
struct LayerList {
  static constexpr RecordKind kKind = {.name = "layers"};
  static void VisitFields(auto& visit, auto& layers) {
    visit("parameters", layers.parameters);
    visit("activations", layers.activations);
  }

  struct Parameter {
    static void VisitFields(auto& visit, auto& parameter) {
      visit("name", parameter.name);
      visit("layer", parameter.layer);
      visit("elements", parameter.element_count);
    }

    std::string name;
    std::string layer;  // the node that reads it
    int64_t element_count = 0;
  };
  struct Activation {
    static void VisitFields(auto& visit, auto& activation) {
      visit("name", activation.name);
      visit("op", activation.op);
    }

    std::string name;  // of the node
    std::string op;
  };
  std::vector<Parameter> parameters;
  std::vector<Activation> activations;
};

struct ModelGraph {
  static constexpr RecordKind kKind = {.name = "graph"};
  static void VisitFields(auto& visit, auto& graph) { visit("nodes", graph.nodes); }

  struct Node {
    static void VisitFields(auto& visit, auto& node) {
      visit("name", node.name);
      visit("op", node.op);
      visit("inputs", node.inputs);
      visit("shape", node.shape);
      visit("type", node.type);
    }

    std::string name;  // unique
    std::string op;
    std::vector<std::string> inputs;  // names of nodes
    std::optional<Shape> shape;       // of its first output
    std::string type;
  };
  std::vector<Node> nodes;
};

// Of a step.
struct Scalars {
  static constexpr RecordKind kKind = {.name = "scalars"};
  static void VisitFields(auto& visit, auto& scalars) {
    visit("values", scalars.values, AsScalars{});
  }

  TaggedNumbers values;
};

// Of an epoch, when it ends.
struct EpochScalars {
  static constexpr RecordKind kKind = {.name = "epoch", .is_of_epoch_end = true};
  static void VisitFields(auto& visit, auto& scalars) {
    visit("values", scalars.values, AsScalars{});
  }

  TaggedNumbers values;
};

// Bucket i counts limits[i] ≤ x < limits[i + 1]; the limits ascend, one more than counts.
struct Histogram {
  static constexpr RecordKind kKind = {.name = "histogram"};
  static void VisitFields(auto& visit, auto& histogram) {
    visit("tag", histogram.tag);
    visit("count", histogram.count);
    visit("minimum", histogram.minimum);
    visit("maximum", histogram.maximum);
    visit("sum", histogram.sum);
    visit("sum_of_squares", histogram.sum_of_squares);
    visit("limits", histogram.limits);
    visit("counts", histogram.counts, AsHistogram{histogram});
  }
  std::string_view Fault() const;

  std::string tag;
  double count = 0;
  double minimum = 0;
  double maximum = 0;
  double sum = 0;
  double sum_of_squares = 0;
  std::vector<double> limits;
  std::vector<double> counts;
};

struct ConfusionMatrix {
  static constexpr RecordKind kKind = {.name = "confusion_matrix", .is_of_epoch_end = true};
  static void VisitFields(auto& visit, auto& matrix) {
    visit("tag", matrix.tag);
    visit("labels", matrix.labels);
    visit("counts", matrix.counts);
  }
  std::string_view Fault() const;

  std::string tag;
  std::vector<std::string> labels;
  std::vector<std::vector<int64_t>> counts;  // [true class][predicted class]
};

// The samples of the validation data with the highest losses, from the highest.
struct WorstExamples {
  static constexpr RecordKind kKind = {
      .name = "examples", .is_of_epoch_end = true, .replaces_earlier = true};
  static void VisitFields(auto& visit, auto& worst) {
    visit("tag", worst.tag);
    visit("examples", worst.examples);
  }
  std::string_view Fault() const;

  struct Example {
    static void VisitFields(auto& visit, auto& example) {
      visit("sample", example.sample);
      visit("true", example.label);
      visit("predicted", example.predicted);
      visit("loss", example.loss);
      visit("width", OrAbsent{example.width});
      visit("height", OrAbsent{example.height});
      visit("png", OrAbsent{Base64{example.png}});
    }

    int64_t sample = 0;  // index into the validation data
    std::string label;   // the true class
    std::string predicted;
    double loss = 0;
    // 0 and empty for data that is no image.
    int64_t width = 0;
    int64_t height = 0;
    std::string png;  // the file's bytes
  };
  std::string tag;
  std::vector<Example> examples;
};

// What a regression should say and says of the validation data.
struct PredictedAgainstTrue {
  static constexpr RecordKind kKind = {
      .name = "regression", .is_of_epoch_end = true, .replaces_earlier = true};
  static void VisitFields(auto& visit, auto& regression) {
    visit("tag", regression.tag);
    visit("outputs", regression.pairs.outputs);
    visit("samples", regression.pairs.samples);
    visit("true", regression.pairs.truths);
    visit("predicted", regression.pairs.predicted);
  }
  std::string_view Fault() const;

  std::string tag;
  RegressionPairs pairs;
};

struct PngImage {
  static constexpr RecordKind kKind = {.name = "image"};
  static void VisitFields(auto& visit, auto& image) {
    visit("tag", image.tag);
    visit("width", image.width);
    visit("height", image.height);
    visit("png", Base64{image.png}, AsImage{image.tag, image.width, image.height});
  }

  std::string tag;
  int64_t width = 0;
  int64_t height = 0;
  std::string png;  // the file's bytes
};

struct Text {
  static constexpr RecordKind kKind = {.name = "text"};
  static void VisitFields(auto& visit, auto& text) {
    visit("tag", text.tag);
    visit("text", text.text, AsText{text.tag});
  }

  std::string tag;
  std::string text;  // Markdown
};

struct HealthFinding {
  static constexpr RecordKind kKind = {.name = "health"};
  static constexpr std::string_view kSeverities[] = {"note", "warning"};
  static void VisitFields(auto& visit, auto& finding) {
    visit("finding", finding.finding);
    visit("severity", Word{finding.is_warning, kSeverities});
    visit("message", finding.message, AsText{"health/" + finding.finding});
    visit("layers", finding.layers);
  }

  std::string finding;  // "vanishing_gradients"
  bool is_warning = true;
  std::string message;  // one line: what is seen, and what helps
  std::vector<std::string> layers;
};

// The run goes on from a checkpoint of the record's step.
struct RunResume {
  static constexpr RecordKind kKind = {.name = "resume"};
  static void VisitFields(auto&, auto&) {}
};

enum class RunStatus { kFinished, kStoppedEarly, kStoppedBySignal, kFailed };
inline constexpr std::string_view kRunStatusWords[] = {"finished", "stopped_early",
                                                       "stopped_by_signal", "failed"};
struct RunEnd {
  static constexpr RecordKind kKind = {.name = "end", .is_of_run_end = true};
  static void VisitFields(auto& visit, auto& end) {
    visit("status", Word{end.status, kRunStatusWords});
    visit("message", end.message);
    visit("weights", OrAbsent{end.weights});
    visit("weights_epoch", OrAbsent{end.weights_epoch});
  }

  RunStatus status = RunStatus::kFinished;
  std::string message;
  // What was exported: "last", "best" or "averaged" weights; empty when nothing was, or when the
  // records do not say.
  std::string weights;
  std::optional<int64_t> weights_epoch;  // which had them; absent for averages
};

// Every kind there is.
using RecordContent =
    std::variant<RunStart, Hyperparameters, LayerList, ModelGraph, Scalars, EpochScalars, Histogram,
                 ConfusionMatrix, WorstExamples, PredictedAgainstTrue, PngImage, Text,
                 HealthFinding, RunResume, RunEnd>;
inline constexpr auto kRecordKinds =
    []<typename... Kinds>(std::type_identity<std::variant<Kinds...>>) {
      return std::array{Kinds::kKind...};
    }(std::type_identity<RecordContent>());

struct Record {
  int64_t step = 0;   // counts from 1; 0 before the first
  int64_t epoch = 0;  // counts from 1; 0 before the first
  double time = 0;    // seconds since 1970
  RecordContent content;
};

}  // namespace strop
