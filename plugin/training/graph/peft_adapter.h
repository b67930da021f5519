#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/training/graph/lora.h"

namespace strop {

// Adapters under the names that Hugging Face's PEFT gives them.
struct PeftAdapter {
  // PyTorch's name of the tensor by ours: "base_model.model.<module>.lora_A.weight" for A and B;
  // for those of modules that are trained whole "base_model.model.<module>.<tensor>", all of the
  // module's.
  std::map<std::string, std::string> tensors;
  std::string config;  // adapter_config.json
};

// Finds the PyTorch module of each layer: by its weight's name ("encoder.query.weight"), by the
// name of the bias that is added behind it, or by the scope in the node's name
// ("/encoder/query/MatMul"). InvalidArgument "export: peft: …" when a module cannot be told, or for
// what PEFT does not have.
absl::StatusOr<PeftAdapter> DescribeForPeft(const ImportedModel& model,
                                            const std::vector<LoraAdapter>& adapters,
                                            const LoraOptions& options);

// Refuses a folder that WritePeft could not make or write into.
absl::Status CheckPeftFolder(const std::string& folder);

// Writes adapter_model.safetensors and adapter_config.json into `folder`, which is made if need be;
// `tensors` by our name, all of PeftAdapter::tensors.
absl::Status WritePeft(const PeftAdapter& adapter, const std::map<std::string, Tensor>& tensors,
                       const std::string& folder);

}  // namespace strop
