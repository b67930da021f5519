#include "plugin/operations/gradient.h"

#include <memory>

#include "graph/status_macros.h"
#include "plugin/operations/written_arrays.h"
#include "plugin/options/table/path_role.h"
#include "plugin/session/model_gradient.h"

namespace strop {

void AddGradientOptions(OptionSet& set, GradientOptions& options) {
  AddModelArgument(set, options.model);
  set.Add({{.name = "inputs",
            .target = &options.inputs,
            .path = PathRole::kInputFile,
            .is_required = true,
            .help = "Arrays by input name (.npz)"},
           {.name = "output-gradients",
            .target = &options.output_gradients,
            .path = PathRole::kInputFile,
            .help = "A cotangent by output name (.npz); without it, ones"},
           {.name = "wrt",
            .target = &options.wrt,
            .value_name = "NAME",
            .takes_words = true,
            .help = "Inputs and initializers to differentiate by; by default all floating inputs "
                    "and trained tensors"},
           RequiredOutput(options.output, "Where the gradients go (.npz)")});
  AddPrecisionOption(set, options.model);
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
  AddSeedOption(set, options.model);
  AddSelectionOptions(set, options.model);
}

absl::StatusOr<std::vector<NamedTensor>> ComputeGradients(const GradientOptions& options) {
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, LoadModel(options.model));
  GradientRequest request;
  request.wrt = options.wrt;
  request.inputs_origin = options.inputs;
  STROP_ASSIGN_OR_RETURN(request.inputs, ReadNpz(options.inputs));
  if (!options.output_gradients.empty()) {
    request.cotangents_origin = options.output_gradients;
    STROP_ASSIGN_OR_RETURN(request.cotangents, ReadNpz(options.output_gradients));
  }
  STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> gradients,
                         ComputeGradients(model, request, options.model));
  STROP_RETURN_IF_ERROR(WriteNpz(options.output, gradients));
  return gradients;
}

Operation GradientOperation() {
  Operation operation(kGradient);
  const auto options = std::make_shared<GradientOptions>();
  AddGradientOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> gradients, ComputeGradients(*options));
    return WrittenArraysJson(options->output, gradients);
  };
  return operation;
}

}  // namespace strop
