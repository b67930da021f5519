#include "plugin/options/lora_options.h"

#include <CLI/Validators.hpp>
#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

void TellOfObstacles(const std::vector<LoraObstacle>& obstacles) {
  constexpr size_t kShown = 6;
  if (obstacles.empty()) return;
  std::string names;
  for (size_t i = 0; i < std::min(obstacles.size(), kShown); ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", "\"", obstacles[i].parameter, "\"");
  }
  if (obstacles.size() > kShown) {
    absl::StrAppend(&names, " and ", obstacles.size() - kShown, " more");
  }
  std::fprintf(stderr, "note: no adapter for %s: %s\n", names.c_str(),
               obstacles.front().reason.c_str());
}

}  // namespace

void AddLoraOptions(CLI::App& app, LoraArguments& arguments) {
  const std::string group = "LoRA";
  LoraOptions& lora = arguments.lora;
  CLI::Option* patterns =
      AddListOption(app, "--lora", lora.patterns,
                    "Train low-rank adapters of the Gemm, MatMul and Conv whose weight or node "
                    "matches PATTERN, and else only a new head and what --train names; "
                    "all-linear, also without PATTERN: of all but the output layer; '*': of all")
          ->type_name("PATTERN")
          ->expected(0, 1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
          ->default_str(std::string(kAllLinear))
          ->group(group);
  app.add_option("--lora-rank", lora.rank, "Rank of the adapters")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->needs(patterns)
      ->group(group);
  app.add_option("--lora-alpha", lora.alpha, "The adapters' part is scaled by alpha/rank")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->needs(patterns)
      ->group(group);
  app.add_option("--lora-dropout", lora.dropout, "Dropout rate of the adapters' input")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->needs(patterns)
      ->group(group);
  app.add_flag("--lora-rslora", lora.rank_stabilized, "Scale by alpha/sqrt(rank)")
      ->needs(patterns)
      ->group(group);
}

void AddLoraExportOption(CLI::App& app, LoraArguments& arguments) {
  app.add_option("--lora-export", arguments.export_as,
                 "merged: -o is the model with W + B·A; peft: a folder that PEFT loads; "
                 "onnx_adapter: the model with optional inputs, and beside it the .onnx_adapter "
                 "that ONNX Runtime feeds them from")
      ->check(OneOf({"merged", "peft", "onnx_adapter"}))
      ->capture_default_str()
      ->needs("--lora")
      ->group("LoRA");
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
  TellOfObstacles(lora.left_out);
  return std::move(lora.adapters);
}

}  // namespace strop
