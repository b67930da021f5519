#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/options/model_options.h"

namespace strop {

inline constexpr OperationTitle kExport = {"export", "A checkpoint of a training as an ONNX file"};

struct ExportOptions {
  ModelOptions model;  // the file that the run trained
  std::string checkpoint;
  std::string lora_export;  // merged, peft, onnx_adapter; empty: as the run says
  std::string output;
  bool writes_class_names = false;
};

void AddExportOptions(OptionSet& set, ExportOptions& options);

// Changes `paths` as the form of adapters asks for.
void CompleteExportPaths(const ExportOptions& options, std::vector<CommandPath>& paths);

// Which weights a file has got.
struct ExportedCheckpoint {
  std::string output;
  bool is_averaged = false;
  int64_t step = 0;
  int64_t epochs = 0;         // that had ended
  bool is_under_way = false;  // in the epoch behind these
};

absl::StatusOr<ExportedCheckpoint> ExportCheckpoint(const ExportOptions& options);

nlohmann::ordered_json ToJson(const ExportedCheckpoint& exported);

Operation ExportOperation();

}  // namespace strop
