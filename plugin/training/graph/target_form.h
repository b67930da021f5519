#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/data/model_binding.h"
#include "plugin/training/graph/loss.h"

namespace strop {

// What a model predicts.
struct PredictionShape {
  Shape shape;  // unknown are axis 0, which counts rows, and others that grow with the batch
  // Rows that belong to a sample, one after the other: several where the model flattens
  // [batch, time] into one axis.
  int64_t rows_a_sample = 1;
};

// What is wrong with an output that has no sample axis at all, and the error that says so.
std::string SingleNumberProblem(const std::string& output);
absl::Status SingleNumber(const std::string& output);

// The shape of `output` for the data's shapes. InvalidArgument for a single number, and for a
// batch that is not along axis 0.
absl::StatusOr<PredictionShape> FindPredictionShape(const Graph& graph, ValueId output,
                                                    const DataShapes& data);

// The shape of a batch of predictions: [samples, rows where a sample has several, …].
Shape SampleBatch(const PredictionShape& prediction);

// How the data's target is compared with the prediction.
struct TargetForm {
  TargetInterface interface;
  int64_t class_axis = 1;  // of the prediction, for cross_entropy
  std::string note;        // which reading was taken where shapes leave several, for the user
};

// The form of the data's field `target`, absent when they have none, for a prediction of that
// element type. Under cross_entropy, targets of the prediction's shape are class probabilities, of
// whatever type; all others are labels. The class axis is the one that the options say, else that
// of a softmax which the loss replaces, else the one at which the labels fit, and axis 1 of
// several. InvalidArgument where nothing fits, or several axes do and axis 1 does not.
absl::StatusOr<TargetForm> FindTargetForm(const LossOptions& options, DataType type,
                                          const PredictionShape& prediction,
                                          std::optional<int64_t> softmax_axis,
                                          const std::optional<DataField>& target);

}  // namespace strop
