#pragma once

#include <cstdint>
#include <string>

#include "plugin/options/table/option_set.h"
#include "plugin/training/run/checkpointer.h"

namespace strop {

// Where and how a run is kept, as typed.
struct RunArguments {
  std::string directory;         // empty: nothing is written but the model
  std::string checkpoint_every;  // steps, or a time as 500s, 10m, 2h; empty: at epochs' ends
  int64_t keep = 3;
  bool resume = false;
  bool is_dry = false;  // only says what a run would do
  int64_t parent = 0;   // the process with which the run ends, a tuner; 0: none
};

void AddRunFolderOptions(OptionSet& options, RunArguments& arguments);

// UsageError for an option that needs --run-directory without it.
absl::Status CheckRunArguments(const RunArguments& arguments);

CheckpointPolicy CheckpointPolicyOf(const RunArguments& arguments);

}  // namespace strop
