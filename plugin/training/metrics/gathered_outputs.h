#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/training/metrics/forward_pass.h"

namespace strop {

// Every output of the pass's graph by name, for all samples of its data. InvalidArgument for one
// whose shape differs from batch to batch. `on_progress` hears how many samples are done.
absl::StatusOr<std::vector<NamedTensor>> GatherOutputs(
    ForwardPass& pass, const std::function<void(int64_t done)>& on_progress = nullptr);

}  // namespace strop
