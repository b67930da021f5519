#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/options/model_options.h"
#include "plugin/training/exploration/weight_vector.h"

namespace strop {

// One training as `strop landscape` draws it.
struct TrainingPath {
  struct Point {
    std::string label;                     // the file's name
    std::map<std::string, Tensor> states;  // parameters and statistics by name in the graph
    WeightVector weights;                  // the trained ones of them
  };
  std::string name;
  std::vector<Point> points;
};

// `files`: exported models of the same architecture as `model` (.onnx), or checkpoints
// (.safetensors), in the order of the training. NotFound, InvalidArgument.
absl::StatusOr<TrainingPath> ReadPath(const std::string& name,
                                      const std::vector<std::string>& files,
                                      const ImportedModel& model, const ModelOptions& options);

// The checkpoints of a run folder, oldest first. NotFound when it has none.
absl::StatusOr<std::vector<std::string>> CheckpointsOfRun(const std::string& folder);

}  // namespace strop
