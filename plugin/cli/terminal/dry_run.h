#pragma once

#include <vector>

#include "absl/status/status.h"
#include "importer/importer.h"
#include "plugin/options/table/config_file.h"
#include "plugin/training/run/trainer.h"

namespace strop {

// Prints to stdout what a run would do: what is trained and by which options, steps, memory, and the
// time of a step, measured on a few. These move the trainer's weights, which is then of no more use.
absl::Status PrintDryRun(const ImportedModel& model, const std::vector<ResolvedOption>& options,
                         Trainer& trainer, bool as_json);

}  // namespace strop
