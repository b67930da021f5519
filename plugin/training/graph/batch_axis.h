#pragma once

#include "absl/status/status.h"
#include "importer/importer.h"

namespace strop {

// InvalidArgument when the names that the file gives its inputs' dimensions say that their batch is
// not axis 0, as that of a time-major model.
absl::Status CheckBatchAxis(const ImportedModel& model);

// What such a model should be told to be.
inline constexpr char kBatchFirst[] =
    "; Strop takes samples along axis 0 of inputs and outputs: export the model with the batch "
    "first";

}  // namespace strop
