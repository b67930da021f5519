// strop export: a checkpoint of a training as an ONNX file.

#include "plugin/operations/export.h"

#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {
namespace {

std::string WeightsOf(const ExportedCheckpoint& exported) {
  const std::string epoch = exported.is_under_way
                                ? absl::StrCat("epoch ", exported.epochs + 1, ", under way")
                                : absl::StrCat("epoch ", exported.epochs);
  return absl::StrCat(exported.is_averaged ? "the averaged weights" : "the weights", " of step ",
                      exported.step, " (", epoch, ")");
}

absl::Status RunExport(const ExportOptions& options) {
  STROP_ASSIGN_OR_RETURN(const ExportedCheckpoint exported, ExportCheckpoint(options));
  std::printf("wrote %s, %s\n", exported.output.c_str(), WeightsOf(exported).c_str());
  return absl::OkStatus();
}

}  // namespace

Command ExportCommand() {
  const auto options = std::make_shared<ExportOptions>();
  options->model.listener = TerminalListener();
  Command command{
      .name = kExport.name,
      .help = kExport.help,
      .footer =
          "MODEL is the file that the run trained; the run may be going on.\n"
          "Example: strop export model.onnx --checkpoint runs/first/best -o best.onnx",
      .run = [options] { return RunExport(*options); },
      .complete_paths =
          [options](std::vector<CommandPath>& paths) { CompleteExportPaths(*options, paths); }};
  AddExportOptions(*command.options, *options);
  return command;
}

}  // namespace strop
