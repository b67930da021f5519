#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/graph.h"
#include "plugin/data/model_binding.h"

namespace strop {

enum class LossKind {
  kCrossEntropy,        // torch.nn.CrossEntropyLoss, on logits
  kBinaryCrossEntropy,  // torch.nn.BCEWithLogitsLoss, on logits
  kMeanSquaredError,    // torch.nn.MSELoss
  kL1,                  // torch.nn.L1Loss
  kHuber,               // torch.nn.HuberLoss
  kSmoothL1,            // torch.nn.SmoothL1Loss
};

// cross_entropy, binary_cross_entropy, mse, l1, huber, smooth_l1.
std::vector<std::string> LossNames();
// InvalidArgument listing them
// for another name.
absl::StatusOr<LossKind> LossKindOf(std::string_view name);

// What a model is trained for. Names, meanings and defaults are torch.nn's.
struct LossOptions {
  LossKind kind = LossKind::kCrossEntropy;
  std::string output;  // name of the model output that the loss sees; empty: the first
  std::optional<int64_t> class_axis;  // of cross_entropy; absent: found from logits and target
  std::vector<double> class_weights;  // of cross_entropy, one per class; empty: ones
  double label_smoothing = 0;
  int64_t ignore_index = -100;
  double positive_weight = 1;  // of binary_cross_entropy
  double delta = 1;            // of huber, and smooth_l1's beta
};

// The graph's output of that name, the first for an empty one. InvalidArgument when there is none,
// listing them, and for one that cannot be trained: of integers, or declared as a single number.
absl::StatusOr<ValueId> ChooseOutput(const Graph& graph, const std::string& name);

// The cross-entropy that absorbs the activation an output ends in, see AttachLoss; absent where
// there is none.
absl::StatusOr<std::optional<LossKind>> LossOfActivation(const Graph& graph,
                                                         const std::string& output);

struct AttachedLoss {
  ValueId loss = kNoValue;        // rank 0
  ValueId prediction = kNoValue;  // what the loss compares: logits for the cross-entropies
  ValueId target = kNoValue;      // the input that was added
  Shape prediction_shape;         // what does not grow with the batch
  int64_t class_axis = 1;         // of cross_entropy
  TargetInterface interface;
  std::string note;  // see TargetForm
};

struct LossAttachment {
  // The input takes class probabilities even where the interface, and so the data, has labels.
  bool takes_probabilities = false;
  // The loss of each label, or of each element, instead of their mean.
  bool keeps_positions = false;
};

// Adds the input "target" and the loss of one of the graph's outputs. A model that ends in Softmax,
// LogSoftmax or Sigmoid, views and Cast behind it allowed, is given the matching cross-entropy on
// its logits. What the target is follows from the shapes that the data give the model: see
// FindTargetForm.
absl::StatusOr<AttachedLoss> AttachLoss(Graph& graph, const LossOptions& options,
                                        const DataShapes& data,
                                        const LossAttachment& attachment = {});

}  // namespace strop
