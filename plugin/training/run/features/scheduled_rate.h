#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "plugin/training/run/training_feature.h"

namespace strop {

// The learning rate of every step as its schedule has it (plugin/training/optimization/schedule.h);
// reduce_on_plateau looks at the validation losses.
absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeScheduledRate(const RunParts& parts);

}  // namespace strop
