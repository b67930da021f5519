#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "graph/tensor_type.h"
#include "plugin/training/metrics/regression_watch.h"

namespace strop {

// What a run tells about itself, one typed record after another. README.md beside this file says
// what each becomes in records.jsonl and which tags there are.

// The first record.
struct RunStart {
  std::string command;
  std::map<std::string, std::string> environment;
};

using HyperparameterValue = std::variant<bool, double, std::string>;
struct Hyperparameters {
  std::vector<std::pair<std::string, HyperparameterValue>> values;
  std::vector<std::string> absent;   // what runs are compared by too, but this one does not have
  std::set<std::string> main;        // those that runs are likely to differ by
  std::vector<std::string> metrics;  // tags by which runs are compared
};

// The order in which the model's layers stand.
struct LayerList {
  struct Parameter {
    std::string name;
    std::string layer;  // the node that reads it
    int64_t element_count = 0;
  };
  struct Activation {
    std::string name;  // of the node
    std::string op;
  };
  std::vector<Parameter> parameters;
  std::vector<Activation> activations;
};

struct ModelGraph {
  struct Node {
    std::string name;  // unique
    std::string op;
    std::vector<std::string> inputs;  // names of nodes
    std::optional<Shape> shape;       // of its first output
    std::string type;
  };
  std::vector<Node> nodes;
};

struct Scalars {
  std::vector<std::pair<std::string, double>> values;  // by tag
  bool is_epoch_end = false;
};

// Bucket i counts limits[i] ≤ x < limits[i + 1]; the limits ascend, one more than counts.
struct Histogram {
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
  std::string tag;
  std::vector<std::string> labels;
  std::vector<std::vector<int64_t>> counts;  // [true class][predicted class]
};

// The samples of the validation data with the highest losses, from the highest.
struct WorstExamples {
  struct Example {
    int64_t sample = 0;  // index into the validation data
    std::string label;   // the true class
    std::string predicted;
    double loss = 0;
    int64_t width = 0;
    int64_t height = 0;
    std::string png;  // the file's bytes; empty for data that is no image
  };
  std::string tag;
  std::vector<Example> examples;
};

// What a regression should say and says of the validation data.
struct PredictedAgainstTrue {
  std::string tag;
  RegressionPairs pairs;
};

struct PngImage {
  std::string tag;
  int64_t width = 0;
  int64_t height = 0;
  std::string png;  // the file's bytes
};

struct Text {
  std::string tag;
  std::string text;  // Markdown
};

struct HealthFinding {
  std::string finding;  // "vanishing_gradients"
  bool is_warning = true;
  std::string message;  // one line: what is seen, and what helps
  std::vector<std::string> layers;
};

// The run goes on from a checkpoint of the record's step.
struct RunResume {};

enum class RunStatus { kFinished, kStoppedEarly, kStoppedBySignal, kFailed };
struct RunEnd {
  RunStatus status = RunStatus::kFinished;
  std::string message;
  // What was exported: "last", "best" or "averaged" weights; empty when nothing was, or when the
  // records do not say.
  std::string weights;
  std::optional<int64_t> weights_epoch;  // which had them; absent for averages
};

struct Record {
  int64_t step = 0;   // counts from 1; 0 before the first
  int64_t epoch = 0;  // counts from 1; 0 before the first
  double time = 0;    // seconds since 1970
  std::variant<RunStart, Hyperparameters, LayerList, ModelGraph, Scalars, Histogram,
               ConfusionMatrix, WorstExamples, PredictedAgainstTrue, PngImage, Text, HealthFinding,
               RunResume, RunEnd>
      content;
};

}  // namespace strop
