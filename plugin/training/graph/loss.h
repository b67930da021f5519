#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/data/model_binding.h"
#include "plugin/training/graph/loss_table.h"

namespace strop {

// Those of kLosses.
std::vector<std::string> LossNames();
// InvalidArgument listing them for another name.
absl::StatusOr<LossKind> LossKindOf(std::string_view name);

// The graph's output of that name, the first for an empty one. InvalidArgument when there is none,
// listing them, and for one that cannot be trained: of integers, or declared as a single number.
absl::StatusOr<ValueId> ChooseOutput(const Graph& graph, const std::string& name);

// The cross-entropy that absorbs the activation an output ends in, see AttachLoss; absent where
// there is none.
absl::StatusOr<std::optional<LossKind>> LossOfActivation(const Graph& graph,
                                                         const std::string& output);

struct AttachedLoss {
  ValueId loss = kNoValue;        // rank 0; none for a host's loss that is to keep positions
  ValueId prediction = kNoValue;  // what the loss compares: logits for the cross-entropies
  ValueId target = kNoValue;      // the input that was added
  Shape prediction_shape;         // what does not grow with the batch
  int64_t class_axis = 1;         // of cross_entropy
  TargetInterface interface;
  std::string note;  // see TargetForm
  // What metrics take the loss for, and the targets: the options' own; for a host's loss as the
  // shapes say, kHost where they do not.
  LossKind meaning = LossKind::kCrossEntropy;
  TargetInterface meant_target;
  std::vector<ValueId> seen;  // the outputs that a host's loss sees
  std::vector<std::string> seen_names;
};

struct LossAttachment {
  // The input takes class probabilities even where the interface, and so the data, has labels.
  bool takes_probabilities = false;
  // The loss of each label, or of each element, instead of their mean.
  bool keeps_positions = false;
};

// Adds the input "target" and the loss of one of the graph's outputs. Where the data have weights of
// samples, an input of these comes before it, and the loss is the mean of the positions' losses,
// each times its sample's weight; losses that keep positions are not weighted, the interface is. A model that ends in Softmax,
// LogSoftmax or Sigmoid, views and Cast behind it allowed, is given the matching cross-entropy on
// its logits. What the target is follows from the shapes that the data give the model: see
// FindTargetForm.
absl::StatusOr<AttachedLoss> AttachLoss(Graph& graph, const LossOptions& options,
                                        const DataShapes& data,
                                        const LossAttachment& attachment = {});

}  // namespace strop
