#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/quantize_options.h"
#include "plugin/session/lora_export.h"

namespace strop {

// Writes the model to `output` with the states of the names `exported`, and gives what the exporter
// has to say. `lora` is null without adapters, `quantized` empty without rounding.
absl::StatusOr<ExportNotes> ExportTrained(const ImportedModel& model,
                                          const std::vector<std::string>& exported,
                                          std::shared_ptr<const StateStore> store, LoraExport* lora,
                                          const QuantizationSites& quantized,
                                          const std::string& output);

}  // namespace strop
