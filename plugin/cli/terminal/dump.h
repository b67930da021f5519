#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "importer/importer.h"
#include "plugin/data/data_source.h"
#include "plugin/training/run/trainer.h"

namespace strop {

// import, differentiate, optimize, plan: what --dump prints.
std::vector<std::string> AllDumpStages();
std::string DumpStageNames();

// Prints the named stages of a training to stderr, for a first full batch of `data`.
absl::Status DumpStages(const std::vector<std::string>& stages, const ImportedModel& model,
                        const TrainingOptions& options, const DataSource& data);

}  // namespace strop
