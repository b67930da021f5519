#include "plugin/cli/lora_options.h"

#include <CLI/Validators.hpp>

#include "plugin/cli/outcome.h"

namespace strop {

void AddLoraOptions(CLI::App& app, LoraArguments& arguments) {
  const std::string group = "LoRA";
  LoraOptions& lora = arguments.lora;
  CLI::Option* patterns =
      AddRepeatedOption(app, "--lora", lora.patterns,
                        "Train low-rank adapters of the Gemm, MatMul and Conv whose weight or node "
                        "matches PATTERN ('*': all that can have one), and else only --train's")
          ->type_name("PATTERN")
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
  return AddLora(model, arguments.lora, options.selection, options.seed);
}

}  // namespace strop
