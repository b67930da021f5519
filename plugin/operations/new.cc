#include "plugin/operations/new.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "models/architectures/architecture.h"
#include "plugin/operations/network_file.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

absl::StatusOr<const Architecture*> ArchitectureOf(const std::string& name) {
  const Architecture* architecture = FindArchitecture(name);
  if (architecture != nullptr) return architecture;
  std::vector<std::string> names;
  for (const Architecture& known : AllArchitectures()) names.push_back(known.name);
  return UsageError(absl::StrCat("found architecture \"", name, "\", expected one of ",
                                 absl::StrJoin(names, ", "), DidYouMean(name, names)));
}

}  // namespace

void AddNewOptions(OptionSet& set, NewOptions& options) {
  options.set = &set;
  set.Add({{.name = "ARCHITECTURE",
            .target = &options.architecture,
            .value_name = "NAME",
            .help = "One of --list"},
           OptionalOutput(options.output, "Where the model goes"),
           {.name = "external-data",
            .target = &options.splits_weights,
            .help = "Put the weights into a file beside it; always beyond ONNX's 2 GiB a file"},
           {.name = "list",
            .target = &options.lists,
            .help = "Print the architectures and which options each has"},
           {.name = "dry-run",
            .target = &options.is_dry_run,
            .help = "Count the parameters, write nothing"}});
  AddNetworkOptions(set, options.network);
}

absl::StatusOr<NewNetwork> MakeNetwork(const NewOptions& options,
                                       const std::function<void(const NewNetwork&)>& on_built) {
  if (options.architecture.empty()) {
    return UsageError("found no ARCHITECTURE, expected one; strop new --list shows them");
  }
  STROP_ASSIGN_OR_RETURN(const Architecture* architecture, ArchitectureOf(options.architecture));
  STROP_ASSIGN_OR_RETURN(const NetworkOptions network,
                         NetworkOptionsOf(*options.set, *architecture, options.network));
  if (!options.is_dry_run && options.output.empty()) {
    return UsageError("-o OUTPUT is required, or --dry-run");
  }
  NetworkBuilder builder(network);
  architecture->build(builder);
  STROP_RETURN_IF_ERROR(builder.status());
  NewNetwork made{.architecture = options.architecture,
                  .parameter_count = builder.parameter_count(),
                  .parameter_bytes = builder.parameter_bytes(),
                  .opset = builder.opset(),
                  .parameters = builder.parameters()};
  if (on_built) on_built(made);
  if (options.is_dry_run) return made;
  const bool is_split = options.splits_weights || !builder.fits_one_file();
  STROP_ASSIGN_OR_RETURN(made.weight_file,
                         WriteNetwork(builder, architecture->name, is_split, options.output));
  return made;
}

Json ToJson(const NewNetwork& network) {
  Json tensors = Json::array();
  for (const NetworkParameter& parameter : network.parameters) {
    tensors.push_back(
        {{"name", parameter.name},
         {"shape", std::vector<int64_t>(parameter.shape.begin(), parameter.shape.end())},
         {"trained", parameter.is_trained}});
  }
  return {{"architecture", network.architecture},
          {"parameters", network.parameter_count},
          {"bytes", network.parameter_bytes},
          {"opset", network.opset},
          {"tensors", tensors}};
}

Json ArchitecturesJson() {
  Json rows = Json::array();
  for (const Architecture& architecture : AllArchitectures()) {
    rows.push_back({{"name", architecture.name},
                    {"summary", architecture.summary},
                    {"options", architecture.options}});
  }
  return rows;
}

Operation NewOperation() {
  Operation operation(kNew);
  const auto options = std::make_shared<NewOptions>();
  AddNewOptions(*operation.options, *options);
  operation.run = [options](const OperationCallbacks&) -> absl::StatusOr<Json> {
    if (options->lists) return ArchitecturesJson();
    STROP_ASSIGN_OR_RETURN(const NewNetwork network, MakeNetwork(*options, nullptr));
    return ToJson(network);
  };
  return operation;
}

}  // namespace strop
