// strop check: compares gradients with finite differences.

#include "plugin/operations/check.h"

#include <cstdio>
#include <memory>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {
namespace {

void PrintHeader() { std::printf("     rel.error  analytic          numeric           tensor\n"); }

void PrintRow(const CheckedGradient& checked) {
  std::printf("%-4s %9.2e  %+.9e  %+.9e  %s\n", checked.is_ok ? "ok" : "BAD",
              checked.relative_error, checked.analytic, checked.numeric, checked.tensor.c_str());
  std::fflush(stdout);
}

absl::Status RunCheck(const CheckOptions& options, bool as_json) {
  bool has_header = as_json;
  const auto print = [&](const CheckedGradient& checked) {
    if (!has_header) PrintHeader();
    has_header = true;
    if (as_json) {
      PrintJsonLine(ToJson(checked));
    } else {
      PrintRow(checked);
    }
  };
  STROP_ASSIGN_OR_RETURN(const std::vector<CheckedGradient> checked,
                         CheckGradients(options, print));
  if (!has_header) PrintHeader();
  return VerdictOf(checked, options.tolerance);
}

}  // namespace

Command CheckCommand() {
  const auto options = std::make_shared<CheckOptions>();
  options->model.listener = TerminalListener();
  Command command{.name = kCheck.name,
                  .help = kCheck.help,
                  .footer = "Example: strop check model.onnx --shape x=2,3,32,32"};
  AddCheckOptions(*command.options, *options);
  command.options->AddBehind("tolerance", {JsonOption(command, "A JSON line a tensor")});
  command.run = [options, as_json = command.as_json] { return RunCheck(*options, *as_json); };
  return command;
}

}  // namespace strop
