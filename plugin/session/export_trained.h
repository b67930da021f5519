#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/quantize_options.h"
#include "plugin/session/lora_export.h"
#include "plugin/session/prepared_model.h"

namespace strop {

// Writes the model to `output` with the states of the names `exported`, and gives what the exporter
// has to say. `lora` is null without adapters, `quantized` empty without rounding.
absl::StatusOr<ExportNotes> ExportTrained(const ImportedModel& model,
                                          const std::vector<std::string>& exported,
                                          std::shared_ptr<const StateStore> store, LoraExport* lora,
                                          const QuantizationSites& quantized,
                                          const std::string& output);

// The same of tensors that were trained, by Parameter::name. The store need only have what adapters
// and ranges of rounding need of it, and may be null without these.
absl::StatusOr<ExportNotes> ExportTrained(const ImportedModel& model,
                                          std::map<std::string, TensorMaker> trained,
                                          std::shared_ptr<const StateStore> store, LoraExport* lora,
                                          const QuantizationSites& quantized,
                                          const std::string& output);

// The file in memory, adapters merged, external data taken in.
absl::StatusOr<std::string> SerializeTrained(const PreparedModel& prepared,
                                             std::map<std::string, TensorMaker> trained,
                                             std::shared_ptr<const StateStore> store);

}  // namespace strop
