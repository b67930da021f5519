// strop new: a network of a known architecture, with fresh weights.

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "models/architectures/architecture.h"
#include "plugin/cli/command.h"
#include "plugin/operations/network_file.h"
#include "plugin/options/model_options.h"
#include "plugin/options/network_arguments.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/path_role.h"

namespace strop {
namespace {

struct NewOptions {
  std::string architecture;
  std::string output;
  NetworkArguments network;
  bool splits_weights = false;
  bool lists = false;
  bool is_dry_run = false;
  bool as_json = false;
};

void PrintList(bool as_json) {
  for (const Architecture& architecture : AllArchitectures()) {
    if (as_json) {
      const nlohmann::ordered_json line = {{"name", architecture.name},
                                           {"summary", architecture.summary},
                                           {"options", architecture.options}};
      std::printf("%s\n", line.dump().c_str());
      continue;
    }
    std::printf("%-18s %s\n%-18s --%s\n", architecture.name.c_str(), architecture.summary.c_str(),
                "", absl::StrJoin(architecture.options, " --").c_str());
  }
}

absl::StatusOr<const Architecture*> ArchitectureOf(const std::string& name) {
  const Architecture* architecture = FindArchitecture(name);
  if (architecture != nullptr) return architecture;
  std::vector<std::string> names;
  for (const Architecture& known : AllArchitectures()) names.push_back(known.name);
  return UsageError(absl::StrCat("found architecture \"", name, "\", expected one of ",
                                 absl::StrJoin(names, ", "), DidYouMean(name, names)));
}

std::string Grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

void PrintNetwork(const NewOptions& options, const NetworkBuilder& builder) {
  if (!options.as_json) {
    std::printf("%s: %s parameters, %.1f MB\n", options.architecture.c_str(),
                Grouped(builder.parameter_count()).c_str(),
                static_cast<double>(builder.parameter_bytes()) / 1e6);
    return;
  }
  nlohmann::ordered_json tensors = nlohmann::json::array();
  for (const NetworkParameter& parameter : builder.parameters()) {
    tensors.push_back(
        {{"name", parameter.name},
         {"shape", std::vector<int64_t>(parameter.shape.begin(), parameter.shape.end())},
         {"trained", parameter.is_trained}});
  }
  const nlohmann::ordered_json line = {{"architecture", options.architecture},
                                       {"parameters", builder.parameter_count()},
                                       {"bytes", builder.parameter_bytes()},
                                       {"opset", builder.opset()},
                                       {"tensors", tensors}};
  std::printf("%s\n", line.dump().c_str());
}

absl::Status RunNew(const OptionSet& given, const NewOptions& options) {
  if (options.lists) {
    PrintList(options.as_json);
    return absl::OkStatus();
  }
  if (options.architecture.empty()) {
    return UsageError("found no ARCHITECTURE, expected one; strop new --list shows them");
  }
  STROP_ASSIGN_OR_RETURN(const Architecture* architecture, ArchitectureOf(options.architecture));
  STROP_ASSIGN_OR_RETURN(const NetworkOptions network,
                         NetworkOptionsOf(given, *architecture, options.network));
  if (!options.is_dry_run && options.output.empty()) {
    return UsageError("-o OUTPUT is required, or --dry-run");
  }
  NetworkBuilder builder(network);
  architecture->build(builder);
  STROP_RETURN_IF_ERROR(builder.status());
  PrintNetwork(options, builder);
  if (options.is_dry_run) return absl::OkStatus();
  const bool is_split = options.splits_weights || !builder.fits_one_file();
  STROP_ASSIGN_OR_RETURN(const std::string weights,
                         WriteNetwork(builder, architecture->name, is_split, options.output));
  if (options.as_json) return absl::OkStatus();
  std::printf("wrote %s%s%s\n", options.output.c_str(), weights.empty() ? "" : ", its weights to ",
              weights.c_str());
  return absl::OkStatus();
}

}  // namespace

Command NewCommand() {
  const auto options = std::make_shared<NewOptions>();
  Command command{
      .name = "new",
      .help = "Make a network of a known architecture, to start from nothing",
      .footer = "Example: strop new resnet18 --input 3x32x32 --classes 10 -o resnet18.onnx"};
  OptionSet& set = *command.options;
  set.Add({{.name = "ARCHITECTURE",
            .target = &options->architecture,
            .value_name = "NAME",
            .help = "One of --list"},
           OptionalOutput(options->output, "Where the model goes"),
           {.name = "external-data",
            .target = &options->splits_weights,
            .help = "Put the weights into a file beside it; always beyond ONNX's 2 GiB a file"},
           {.name = "list",
            .target = &options->lists,
            .help = "Print the architectures and which options each has"},
           {.name = "dry-run",
            .target = &options->is_dry_run,
            .help = "Count the parameters, write nothing"},
           {.name = "json",
            .target = &options->as_json,
            .help = "As JSON lines, with every tensor's name and shape"}});
  AddNetworkOptions(set, options->network);
  command.run = [options, given = command.options] { return RunNew(*given, *options); };
  return command;
}

}  // namespace strop
