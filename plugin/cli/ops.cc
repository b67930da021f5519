// strop ops: every ONNX operator, and what Strop does with it.

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugin/cli/command.h"
#include "plugin/session/op_support.h"

namespace strop {
namespace {

struct OpsOptions {
  bool as_json = false;
  bool as_markdown = false;
};

std::string ForwardName(OpSupport::Forward forward) {
  switch (forward) {
    case OpSupport::Forward::kKernel:
      return "yes";
    case OpSupport::Forward::kFunction:
      return "body";
    case OpSupport::Forward::kNone:
      return "no";
  }
  return "";
}

std::string Gradients(const OpSupport& op) {
  if (op.forward == OpSupport::Forward::kNone) return "";
  return absl::StrJoin(op.inputs, ", ", [](std::string* out, const OpSupport::Input& input) {
    absl::StrAppend(out, input.name, " ", input.gradient);
  });
}

void PrintJson(const std::vector<OpSupport>& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const OpSupport& op : table) {
    nlohmann::ordered_json inputs = nlohmann::ordered_json::array();
    for (const OpSupport::Input& input : op.inputs) {
      inputs.push_back({{"name", input.name}, {"gradient", input.gradient}});
    }
    rows.push_back({{"name", op.name},
                    {"opsets", op.versions},
                    {"forward", ForwardName(op.forward)},
                    {"inputs", inputs}});
  }
  std::printf("%s\n", rows.dump(1).c_str());
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

absl::Status RunOps(const OpsOptions& options) {
  const std::vector<OpSupport> table = ListOpSupport();
  size_t supported = 0;
  for (const OpSupport& op : table) {
    if (op.forward != OpSupport::Forward::kNone) ++supported;
  }
  if (options.as_json) {
    PrintJson(table);
  } else if (options.as_markdown) {
    PrintMarkdown(table, supported);
  } else {
    PrintText(table, supported);
  }
  return absl::OkStatus();
}

}  // namespace

Command OpsCommand() {
  const auto options = std::make_shared<OpsOptions>();
  Command command{.name = "ops",
                  .help = "Every ONNX operator: forward and gradient support, opsets",
                  .footer = "Example: strop ops --json",
                  .run = [options] { return RunOps(*options); }};
  command.options->Add({{.name = "json", .target = &options->as_json, .help = "As JSON"},
                        {.name = "markdown",
                         .target = &options->as_markdown,
                         .excludes = {"json"},
                         .help = "As a page of Markdown"}});
  return command;
}

}  // namespace strop
