#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/operations/operation.h"
#include "plugin/options/data_options.h"
#include "plugin/options/model_options.h"

namespace strop {

inline constexpr OperationTitle kRun = {"run", "Inference: inputs by name in, outputs out"};

struct RunOptions {
  ModelOptions model = {.keeps_half_types = true};
  std::string checkpoint;
  std::string inputs;  // .npz by input name; empty: `data`, in batches
  DataArguments data;
  std::string output;  // .npz
};

void AddRunModelOptions(OptionSet& set, RunOptions& options);

// The outputs by name, which are written to options.output too. UsageError unless there is one of
// inputs and data.
absl::StatusOr<std::vector<NamedTensor>> RunModel(const RunOptions& options);

Operation RunOperation();

}  // namespace strop
