#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/operator_facts.h"
#include "ops/training/host_loss.h"

namespace strop {

enum class LossKind {
  kCrossEntropy,        // torch.nn.CrossEntropyLoss, on logits
  kBinaryCrossEntropy,  // torch.nn.BCEWithLogitsLoss, on logits
  kMeanSquaredError,    // torch.nn.MSELoss
  kL1,                  // torch.nn.L1Loss
  kHuber,               // torch.nn.HuberLoss
  kSmoothL1,            // torch.nn.SmoothL1Loss
  kHost,                // the host program's own, LossOptions::host; not of kLosses
};

// What a model is trained for. Names, meanings and defaults are torch.nn's.
struct LossOptions {
  LossKind kind = LossKind::kCrossEntropy;
  std::string output;  // name of the model output that the loss sees; empty: the first
  std::optional<int64_t> class_axis;  // of cross_entropy; absent: found from logits and target
  std::vector<double> class_weights;  // of cross_entropy, one per class; empty: ones
  double label_smoothing = 0;
  int64_t ignore_index = -100;
  double positive_weight = 1;            // of binary_cross_entropy
  double delta = 1;                      // of huber, and smooth_l1's beta
  std::shared_ptr<const HostLoss> host;  // of kHost; it sees all floating outputs, or `output`
};

// A number that a loss has.
struct LossNumber {
  std::string_view option;  // words joined by _
  double LossOptions::*field = nullptr;
  std::string_view attribute;  // of the operator; empty: it enters as an input
  double initial = 0;
  std::string_view meaning;
};

struct LossRow {
  std::string_view name;
  LossKind kind;
  std::string_view op;                // of ops/training/
  LossNumber numbers[2] = {};         // up to the first without a name
  std::string_view settings[3] = {};  // its other options
  // The activation that it applies itself.
  ProbabilityActivation activation = ProbabilityActivation::kNone;

  constexpr bool has(std::string_view option) const {
    return std::count(std::begin(settings), std::end(settings), option) > 0 ||
           std::any_of(std::begin(numbers), std::end(numbers),
                       [&](const LossNumber& number) { return number.option == option; });
  }
};

inline constexpr LossRow kLosses[] = {
    {.name = "cross_entropy",
     .kind = LossKind::kCrossEntropy,
     .op = "CrossEntropyLoss",
     .numbers = {{"label_smoothing", &LossOptions::label_smoothing, "label_smoothing", 0,
                  "share of the target spread over all classes"}},
     .settings = {"class_axis", "class_weights", "ignore_index"},
     .activation = ProbabilityActivation::kSoftmax},
    {.name = "binary_cross_entropy",
     .kind = LossKind::kBinaryCrossEntropy,
     .op = "BinaryCrossEntropyWithLogitsLoss",
     .numbers = {{"positive_weight", &LossOptions::positive_weight, "", 1,
                  "weight of the positive targets"}},
     .activation = ProbabilityActivation::kSigmoid},
    {.name = "mse", .kind = LossKind::kMeanSquaredError, .op = "MSELoss"},
    {.name = "l1", .kind = LossKind::kL1, .op = "L1Loss"},
    {.name = "huber",
     .kind = LossKind::kHuber,
     .op = "HuberLoss",
     .numbers = {{"huber_delta", &LossOptions::delta, "delta", 1,
                  "where the square becomes a line"}}},
    {.name = "smooth_l1",
     .kind = LossKind::kSmoothL1,
     .op = "SmoothL1Loss",
     .numbers = {{"huber_delta", &LossOptions::delta, "beta", 1,
                  "where the square becomes a line"}}},
};

inline const LossRow& RowOf(LossKind kind) {
  return *std::find_if(std::begin(kLosses), std::end(kLosses),
                       [kind](const LossRow& loss) { return loss.kind == kind; });
}

}  // namespace strop
