#include "plugin/options/lora_options.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

void TellOfObstacles(const std::vector<LoraObstacle>& obstacles, const Listener& listener) {
  constexpr size_t kShown = 6;
  if (obstacles.empty()) return;
  std::string names;
  for (size_t i = 0; i < std::min(obstacles.size(), kShown); ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", "\"", obstacles[i].parameter, "\"");
  }
  if (obstacles.size() > kShown) {
    absl::StrAppend(&names, " and ", obstacles.size() - kShown, " more");
  }
  listener.note(absl::StrCat("no adapter for ", names, ": ", obstacles.front().reason));
}

}  // namespace

void AddLoraOptions(OptionSet& options, LoraArguments& arguments) {
  LoraOptions& lora = arguments.lora;
  options.Add(
      "LoRA",
      {{.name = "lora",
        .target = &lora.patterns,
        .value_name = "PATTERN",
        .value_when_bare = std::string(kAllLinear),
        .is_common = true,
        .help = "Train low-rank adapters of the Gemm, MatMul and Conv whose weight or node "
                "matches PATTERN, and else only a new head and what --train names; "
                "all-linear, also without PATTERN: of all but the output layer; '*': of all"},
       {.name = "lora-rank",
        .target = &lora.rank,
        .range = kFromOne,
        .has_default = true,
        .needs = {"lora"},
        .help = "Rank of the adapters"},
       {.name = "lora-alpha",
        .target = &lora.alpha,
        .range = kAboveZero,
        .has_default = true,
        .needs = {"lora"},
        .help = "The adapters' part is scaled by alpha/rank"},
       {.name = "lora-dropout",
        .target = &lora.dropout,
        .range = kShare,
        .has_default = true,
        .needs = {"lora"},
        .help = "Dropout rate of the adapters' input"},
       {.name = "lora-rslora",
        .target = &lora.rank_stabilized,
        .needs = {"lora"},
        .help = "Scale by alpha/sqrt(rank)"}});
}

void AddLoraExportOption(OptionSet& options, LoraArguments& arguments) {
  options.Add(
      "LoRA",
      {{.name = "lora-export",
        .target = &arguments.export_as,
        .choices = {"merged", "peft", "onnx_adapter"},
        .has_default = true,
        .needs = {"lora"},
        .is_set_by_tuner = true,
        .help = "merged: -o is the model with W + B·A; peft: a folder that PEFT loads; "
                "onnx_adapter: the model with optional inputs, and beside it the .onnx_adapter "
                "that ONNX Runtime feeds them from"}});
}

absl::StatusOr<std::vector<LoraAdapter>> ApplyLora(const LoraArguments& arguments,
                                                   const ModelOptions& options,
                                                   ImportedModel& model) {
  if (arguments.lora.patterns.empty()) return std::vector<LoraAdapter>();
  if (!options.selection.train_only.empty()) {
    return UsageError(
        "--lora and --train-only exclude each other: adapters are trained and what --train names");
  }
  STROP_ASSIGN_OR_RETURN(LoraAdapters lora, AddLora(model, arguments.lora, options.selection,
                                                    options.seed, options.plan));
  TellOfObstacles(lora.left_out, options.listener);
  return std::move(lora.adapters);
}

}  // namespace strop
