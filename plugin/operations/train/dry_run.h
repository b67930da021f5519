#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/options/table/config_file.h"
#include "plugin/training/run/trainer.h"

namespace strop {

// What a run would do: what is trained and by which options, steps, memory, and the time of a step.
struct DryRun {
  std::vector<ResolvedOption> options;
  int64_t trained_tensors = 0;
  int64_t trained_parameters = 0;
  int64_t all_parameters = 0;
  int64_t steps_per_epoch = 0;
  int64_t steps = 0;
  size_t parameter_bytes = 0;
  size_t optimizer_bytes = 0;
  size_t arena_bytes = 0;
  double first_step_seconds = 0;
  double step_seconds = 0;  // median of the others
  std::vector<UnreachedTensor> unreached;
};

// Measures it on a few steps. These move the trainer's weights, which is then of no more use.
absl::StatusOr<DryRun> MeasureDryRun(const ImportedModel& model,
                                     std::vector<ResolvedOption> options, Trainer& trainer);

nlohmann::ordered_json ToJson(const DryRun& dry);

}  // namespace strop
