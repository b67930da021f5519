// strop new: a network of a known architecture, with fresh weights.

#include "plugin/operations/new.h"

#include <cstdio>
#include <memory>

#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "models/architectures/architecture.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"

namespace strop {
namespace {

void PrintList() {
  for (const Architecture& architecture : AllArchitectures()) {
    std::printf("%-18s %s\n%-18s --%s\n", architecture.name.c_str(), architecture.summary.c_str(),
                "", absl::StrJoin(architecture.options, " --").c_str());
  }
}

std::string Grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), ",");
  }
  return digits;
}

absl::Status RunNew(const NewOptions& options, bool as_json) {
  if (options.lists) {
    if (as_json) {
      PrintJsonLines(ArchitecturesJson());
    } else {
      PrintList();
    }
    return absl::OkStatus();
  }
  const auto print = [as_json](const NewNetwork& network) {
    if (as_json) {
      PrintJsonLine(ToJson(network));
    } else {
      std::printf("%s: %s parameters, %.1f MB\n", network.architecture.c_str(),
                  Grouped(network.parameter_count).c_str(),
                  static_cast<double>(network.parameter_bytes) / 1e6);
    }
  };
  STROP_ASSIGN_OR_RETURN(const NewNetwork network, MakeNetwork(options, print));
  if (options.is_dry_run || as_json) return absl::OkStatus();
  const std::string weights =
      network.weight_file.empty() ? "" : ", its weights to " + network.weight_file;
  std::printf("wrote %s%s\n", options.output.c_str(), weights.c_str());
  return absl::OkStatus();
}

}  // namespace

Command NewCommand() {
  const auto options = std::make_shared<NewOptions>();
  Command command{
      .name = kNew.name,
      .help = kNew.help,
      .footer = "Example: strop new resnet18 --input 3x32x32 --classes 10 -o resnet18.onnx"};
  AddNewOptions(*command.options, *options);
  command.options->AddBehind(
      "dry-run", {JsonOption(command, "As JSON lines, with every tensor's name and shape")});
  command.run = [options, as_json = command.as_json] { return RunNew(*options, *as_json); };
  return command;
}

}  // namespace strop
