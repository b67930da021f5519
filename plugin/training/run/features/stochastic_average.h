#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "plugin/training/run/training_feature.h"

namespace strop {

// AveragingOptions::swa_start: from that epoch on sets the rate, and takes the weights at the end of
// every epoch. A run that gets there ends with their mean, running statistics counted anew for it.
// Null without.
absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeStochasticAverage(const RunParts& parts);

}  // namespace strop
