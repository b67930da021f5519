#pragma once

#include <nlohmann/json_fwd.hpp>

#include "absl/status/status.h"
#include "plugin/training/run/run_state.h"

namespace strop {

// Everything of the state but the tensors, numbers to the bit.
nlohmann::json RunStateToJson(const RunState& state);

// DataLoss naming the field that is missing or is of another kind.
absl::Status RunStateFromJson(const nlohmann::json& json, RunState& state);

}  // namespace strop
