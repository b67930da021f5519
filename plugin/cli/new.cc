// strop new: a network of a known architecture, with fresh weights.

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "models/architectures/architecture.h"
#include "plugin/cli/command.h"
#include "plugin/cli/network_file.h"
#include "plugin/options/model_options.h"
#include "plugin/options/network_arguments.h"
#include "plugin/options/outcome.h"
#include "plugin/options/parser/nearest_name.h"
#include "plugin/options/parser/path_option.h"

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

absl::Status RunNew(const CLI::App& app, const NewOptions& options) {
  if (options.lists) {
    PrintList(options.as_json);
    return absl::OkStatus();
  }
  if (options.architecture.empty()) {
    return UsageError("found no ARCHITECTURE, expected one; strop new --list shows them");
  }
  STROP_ASSIGN_OR_RETURN(const Architecture* architecture, ArchitectureOf(options.architecture));
  STROP_ASSIGN_OR_RETURN(const NetworkOptions network,
                         NetworkOptionsOf(app, *architecture, options.network));
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

Command AddNewCommand(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "new", "Make a network of a known architecture, to start from nothing");
  const auto options = std::make_shared<NewOptions>();
  app->add_option("ARCHITECTURE", options->architecture, "One of --list")->type_name("NAME");
  AddPathOption(*app, "-o,--output", options->output, PathRole::kOutputFile,
                "Where the model goes");
  app->add_flag("--external-data", options->splits_weights,
                "Put the weights into a file beside it; always beyond ONNX's 2 GiB a file");
  app->add_flag("--list", options->lists, "Print the architectures and which options each has");
  app->add_flag("--dry-run", options->is_dry_run, "Count the parameters, write nothing");
  app->add_flag("--json", options->as_json, "As JSON lines, with every tensor's name and shape");
  AddNetworkOptions(*app, options->network);
  app->footer("Example: strop new resnet18 --input 3x32x32 --classes 10 -o resnet18.onnx");
  return {app, [app, options] { return RunNew(*app, *options); }};
}

}  // namespace strop
