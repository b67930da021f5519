#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/engine/runtime/state_store.h"

namespace strop {

// InvalidArgument naming a tensor of the model that holds NaN, or infinity where it is trained or
// a running statistic. What the rule takes for no parameter, and what the user froze, may be
// infinite: a mask.
absl::Status CheckFiniteWeights(const ImportedModel& model);

// "tensor \"fc.weight\" holds nan", of the first of the states `types` that is not finite in the
// type that the file keeps it in; empty when all are.
absl::StatusOr<std::string> DescribeBadWeights(const std::map<std::string, DataType>& types,
                                               const StateStore& store);

}  // namespace strop
