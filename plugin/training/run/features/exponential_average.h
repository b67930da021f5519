#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "plugin/training/run/training_feature.h"

namespace strop {

// AveragingOptions::ema_decay: takes the weights after every update. Validation measures the
// average, and a run ends with it. Null without.
absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeExponentialAverage(const RunParts& parts);

}  // namespace strop
