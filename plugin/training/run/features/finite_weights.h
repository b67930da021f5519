#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/training/run/training_feature.h"

namespace strop {

// InvalidArgument naming a tensor of the model that holds NaN, or infinity where it is trained or
// a running statistic. What the rule takes for no parameter, and what the user froze, may be
// infinite: a mask.
absl::Status CheckFiniteWeights(const ImportedModel& model);

// Ends a run that has made a step where the store holds weights that are not finite in the types
// that the model's file keeps them in.
absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeFiniteWeights(const RunParts& parts);

}  // namespace strop
