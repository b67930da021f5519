#pragma once

#include <optional>

#include "absl/status/status.h"
#include "graph/graph.h"

namespace strop {

// Sets training_mode of every BatchNormalization. A node in training mode moves its running
// statistics where they are states: running = running·momentum + batch·(1 - momentum), ONNX's
// momentum, one minus PyTorch's. Unimplemented when two nodes would move the same statistic.
absl::Status SetBatchNormMode(Graph& graph, bool is_training);

// Adds the state updates of the nodes that are in training mode as they stand.
absl::Status KeepBatchNormMode(Graph& graph);

// Lets the nodes that are in training mode keep the statistics of the last batch alone.
void KeepLastBatchStatistics(Graph& graph);

enum class DropoutNodes {
  kAll,
  kOfModel,  // not those of LoRA's adapters
};

// Sets the training_mode input of the Dropout nodes, and their ratio unless `rate` is absent.
// Returns how many there are.
int SetDropoutMode(Graph& graph, DropoutNodes which, bool is_training, std::optional<double> rate);

// Takes out the Dropout nodes that rest, which would keep a copy of their input for the backward
// pass; those that make an output of the model or whose mask is read stay.
void RemoveRestingDropouts(Graph& graph);

// Gives every node that draws random numbers a stream of its own, so that two Dropouts of one step
// have different masks. The numbers follow the order of the nodes in the model.
void NumberRandomNodes(Graph& graph);

}  // namespace strop
