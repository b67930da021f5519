// strop ops: every ONNX operator, and what Strop does with it.

#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugin/cli/command.h"
#include "plugin/operations/op_support.h"

namespace strop {
namespace {

std::string Gradients(const OpSupport& op) {
  if (op.forward == OpSupport::Forward::kNone) return "";
  return absl::StrJoin(op.inputs, ", ", [](std::string* out, const OpSupport::Input& input) {
    absl::StrAppend(out, input.name, " ", input.gradient);
  });
}

void PrintMarkdown(const std::vector<OpSupport>& table, size_t supported) {
  std::printf("# Operators\n\n");
  std::printf(
      "%zu of ONNX's %zu operators run. Older opsets are upgraded at import. *Forward*: "
      "yes, an operator of Strop's own; body, the function body of ONNX's schema.\n"
      "*Gradient*, an input: yes; no, the operator is constant in it or it is no number; "
      "missing, an error before the first step where it is needed; body, as the operators "
      "of the body.\nThis page is what `strop ops --markdown` prints.\n\n",
      supported, table.size());
  std::printf("| operator | opsets | forward | gradient |\n|---|---|---|---|\n");
  for (const OpSupport& op : table) {
    std::printf("| %s | %s | %s | %s |\n", op.name.c_str(),
                absl::StrJoin(op.versions, ", ").c_str(), ForwardName(op.forward).c_str(),
                Gradients(op).c_str());
  }
}

void PrintText(const std::vector<OpSupport>& table, size_t supported) {
  std::printf("%-28s %-28s %-8s %s\n", "operator", "opsets", "forward", "gradient");
  for (const OpSupport& op : table) {
    std::printf("%-28s %-28s %-8s %s\n", op.name.c_str(), absl::StrJoin(op.versions, ",").c_str(),
                ForwardName(op.forward).c_str(), Gradients(op).c_str());
  }
  std::printf("%zu of %zu operators run\n", supported, table.size());
}

absl::Status RunOps(bool as_json, bool as_markdown) {
  const std::vector<OpSupport> table = ListOpSupport();
  size_t supported = 0;
  for (const OpSupport& op : table) {
    if (op.forward != OpSupport::Forward::kNone) ++supported;
  }
  if (as_json) {
    std::printf("%s\n", ToJson(table).dump(1).c_str());
  } else if (as_markdown) {
    PrintMarkdown(table, supported);
  } else {
    PrintText(table, supported);
  }
  return absl::OkStatus();
}

}  // namespace

Command OpsCommand() {
  const auto as_markdown = std::make_shared<bool>(false);
  Command command{.name = kOps.name, .help = kOps.help, .footer = "Example: strop ops --json"};
  command.options->Add({JsonOption(command, "As JSON"),
                        {.name = "markdown",
                         .target = as_markdown.get(),
                         .excludes = {"json"},
                         .help = "As a page of Markdown"}});
  command.run = [as_markdown, as_json = command.as_json] { return RunOps(*as_json, *as_markdown); };
  return command;
}

}  // namespace strop
