#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "exporter/quantized_export.h"
#include "importer/importer.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/graph/quantize_model.h"

namespace strop {

// Quantization-aware training, as typed.
struct QuantizeArguments {
  std::string type;  // "int8"; empty: none
  std::vector<std::string> exclude;
  bool keeps_batch_normalization = false;
};

void AddQuantizeOptions(OptionSet& options, QuantizeArguments& arguments);

// Whether BatchNormalizations are to be folded first: in a quantized model, unless they are to stay
// or to be trained with the batch's statistics.
bool FoldsBatchNormalization(const QuantizeArguments& arguments, const ModeArguments& modes);

// Quantizes the model where that is asked for, and tells the listener which layers stay floating
// because the file keeps them in functions; without sites otherwise.
absl::StatusOr<QuantizationSites> QuantizeAsTyped(const QuantizeArguments& arguments,
                                                  const ModelOptions& options,
                                                  ImportedModel& model);

// What a trained model rounds. FailedPrecondition when no step has seen an activation.
absl::StatusOr<ModelQuantization> TrainedQuantization(const QuantizationSites& sites,
                                                      const StateStore& store);

}  // namespace strop
