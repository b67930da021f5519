#include "plugin/operations/check.h"

#include <memory>

#include "graph/status_macros.h"
#include "plugin/options/table/path_role.h"

namespace strop {

void AddCheckOptions(OptionSet& set, CheckOptions& options) {
  AddModelArgument(set, options.model);
  set.Add({{.name = "inputs",
            .target = &options.inputs,
            .path = PathRole::kInputFile,
            .help = "Arrays by input name (.npz); without it, random ones"},
           {.name = "shape",
            .target = &options.shapes,
            .value_name = "NAME=1,3,224,224",
            .is_repeated = true,
            .help = "Shape of a random input; unknown dimensions are 2 otherwise"},
           {.name = "tolerance",
            .target = &options.tolerance,
            .has_default = true,
            .help = "Largest relative error"}});
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
  AddSeedOption(set, options.model);
  AddSelectionOptions(set, options.model);
}

absl::StatusOr<std::vector<CheckedGradient>> CheckGradients(
    const CheckOptions& options, const std::function<void(const CheckedGradient&)>& on_tensor) {
  ModelOptions in_double = options.model;
  in_double.precision = "f64";
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, LoadModel(in_double));
  std::vector<Tensor> feeds;
  if (options.inputs.empty()) {
    STROP_ASSIGN_OR_RETURN(const auto shapes, ParseShapes(options.shapes));
    STROP_ASSIGN_OR_RETURN(feeds, RandomFeeds(model.graph, shapes, 2, options.model.seed));
  } else {
    STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> arrays, ReadNpz(options.inputs));
    STROP_ASSIGN_OR_RETURN(feeds, FeedsByName(model.graph, arrays, options.inputs));
  }
  return CheckGradients(
      model, std::move(feeds),
      {.tolerance = options.tolerance, .seed = options.model.seed, .plan = options.model.plan},
      on_tensor);
}

nlohmann::ordered_json ToJson(const CheckedGradient& checked) {
  return {{"tensor", checked.tensor},
          {"analytic", checked.analytic},
          {"numeric", checked.numeric},
          {"relative_error", checked.relative_error},
          {"ok", checked.is_ok}};
}

Operation CheckOperation() {
  Operation operation(kCheck);
  const auto options = std::make_shared<CheckOptions>();
  AddCheckOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const std::vector<CheckedGradient> checked,
                           CheckGradients(*options, nullptr));
    STROP_RETURN_IF_ERROR(VerdictOf(checked, options->tolerance));
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const CheckedGradient& gradient : checked) json.push_back(ToJson(gradient));
    return json;
  };
  return operation;
}

}  // namespace strop
