#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/training/run/training_feature.h"

namespace strop {

// The features that a run's options ask for, in the order in which every point calls them.
absl::StatusOr<std::vector<std::unique_ptr<TrainingFeature>>> MakeTrainingFeatures(
    const RunParts& parts);

}  // namespace strop
