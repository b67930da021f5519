#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/graph/lora.h"

namespace strop {

// Adapters as typed.
struct LoraArguments {
  LoraOptions lora;
  std::string export_as = "merged";  // see MakeLoraExport
};

void AddLoraOptions(OptionSet& options, LoraArguments& arguments);
void AddLoraExportOption(OptionSet& options, LoraArguments& arguments);

// Gives the model the adapters that are asked for and tells the listener which weights can have none;
// nothing, and an empty answer, without --lora.
absl::StatusOr<std::vector<LoraAdapter>> ApplyLora(const LoraArguments& arguments,
                                                   const ModelOptions& options,
                                                   ImportedModel& model);

}  // namespace strop
