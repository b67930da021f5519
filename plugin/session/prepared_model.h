#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/options/lora_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/quantize_options.h"
#include "plugin/training/graph/lora.h"

namespace strop {

// A model with all that its options gave it.
struct PreparedModel {
  ImportedModel model;
  std::vector<LoraAdapter> adapters;  // none without --lora
  QuantizationSites quantized;        // without sites where nothing is rounded
  // Parameters, by name, whose elements in the graph need not be those of the file.
  std::set<std::string> moved;
  int64_t version = 0;  // counts the times that elements changed
};

// Reads the model and gives it, in this order, a new head, BatchNormalizations folded into the
// layers before, adapters, rounding: whatever the options ask for. UsageError for adapters together
// with rounding.
absl::StatusOr<PreparedModel> PrepareModel(const ModelOptions& options, const LoraArguments& lora,
                                           const QuantizeArguments& quantize,
                                           const ModeArguments& modes);

// Puts the states of a training into the graph's.
absl::Status TakeStates(const StateStore& store, PreparedModel& prepared);

}  // namespace strop
