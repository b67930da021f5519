#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "plugin/training/run/training_feature.h"

namespace strop {

// Keras' EarlyStopping on the validation loss: which epoch was the best, when a run ends before its
// epochs are over, and with which weights. Without patience it only looks.
absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeEarlyStopping(const RunParts& parts);

}  // namespace strop
