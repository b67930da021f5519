#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "plugin/training/run/training_feature.h"

namespace strop {

// The weights of the last epoch that ended well, for a run that ends badly to come back to.
absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeGoodWeights(const RunParts& parts);

}  // namespace strop
