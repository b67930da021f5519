#include "plugin/options/loss_options.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

CLI::Validator IsDropout() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        double rate = 0;
        const bool is_rate = absl::SimpleAtod(text, &rate) && rate >= 0 && rate < 1;
        if (text == "on" || text == "off" || is_rate) return "";
        return absl::StrCat("found \"", text, "\", expected on, off or a rate from 0 to below 1");
      },
      "on|off|RATE", "dropout");
}

absl::StatusOr<Unfreezing> ParseUnfreezing(const std::string& text) {
  Unfreezing unfreezing;
  const size_t colon = text.find(':');
  const bool is_read = colon != std::string::npos && colon + 1 < text.size() &&
                       absl::SimpleAtoi(text.substr(0, colon), &unfreezing.epoch);
  if (!is_read) {
    return UsageError(absl::StrCat("--unfreeze ", text, ": expected EPOCH:PATTERN, 3:layer1* say"));
  }
  unfreezing.pattern = text.substr(colon + 1);
  return unfreezing;
}

// An option that only some losses have.
struct LossOption {
  std::string name;
  bool is_typed = false;
  std::vector<std::string> losses;
};

absl::Status CheckSuits(const LossArguments& arguments) {
  const LossOption options[] = {
      {"--class-axis", arguments.class_axis.has_value(), {"cross_entropy"}},
      {"--class-weights", !arguments.class_weights.empty(), {"cross_entropy"}},
      {"--label-smoothing", arguments.label_smoothing.has_value(), {"cross_entropy"}},
      {"--ignore-index", arguments.ignore_index.has_value(), {"cross_entropy"}},
      {"--positive-weight", arguments.positive_weight.has_value(), {"binary_cross_entropy"}},
      {"--huber-delta", arguments.huber_delta.has_value(), {"huber", "smooth_l1"}},
  };
  for (const LossOption& option : options) {
    const bool suits = std::count(option.losses.begin(), option.losses.end(), arguments.loss) > 0;
    if (!option.is_typed || suits) continue;
    return UsageError(absl::StrCat(option.name, ": the loss ", arguments.loss,
                                   " does not have it; it belongs to ",
                                   absl::StrJoin(option.losses, ", ")));
  }
  return absl::OkStatus();
}

absl::Status CheckClassWeights(const std::vector<double>& weights) {
  double sum = 0;
  for (const double weight : weights) {
    if (!(weight >= 0) || !std::isfinite(weight)) {
      return UsageError(
          absl::StrCat("--class-weights: found ", weight, ", expected numbers from 0 on"));
    }
    sum += weight;
  }
  if (weights.empty() || sum > 0) return absl::OkStatus();
  return UsageError("--class-weights: found nothing but zeros, expected one above 0");
}

}  // namespace

void AddLossOptions(CLI::App& app, LossArguments& arguments) {
  const std::string group = "Loss";
  app.add_option("--loss", arguments.loss, "What is minimized; PyTorch's meaning of each")
      ->check(OneOf({"cross_entropy", "binary_cross_entropy", "mse", "l1", "huber", "smooth_l1"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--train-output", arguments.output,
                 "The model output that the loss sees; by default the first")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--class-axis", arguments.class_axis,
                 "cross_entropy: axis of the classes; by default found from the shapes")
      ->group(group);
  AddListOption(app, "--class-weights", arguments.class_weights, "cross_entropy: one per class")
      ->group(group);
  app.add_option("--label-smoothing", arguments.label_smoothing,
                 "cross_entropy: share of the target spread over all classes")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  app.add_option("--ignore-index", arguments.ignore_index,
                 "cross_entropy: label that counts for nothing [-100]")
      ->group(group);
  app.add_option("--positive-weight", arguments.positive_weight,
                 "binary_cross_entropy: weight of the positive targets")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--huber-delta", arguments.huber_delta,
                 "huber, smooth_l1: where the square becomes a line [1]")
      ->check(CLI::PositiveNumber)
      ->group(group);
}

void AddModeOptions(CLI::App& app, ModeArguments& arguments) {
  const std::string group = "What is trained";
  app.add_option("--batch-norm", arguments.batch_norm,
                 "train: use the batch's statistics and update the running ones; frozen: use the "
                 "running ones; by default as the file says")
      ->check(OneOf({"train", "frozen"}))
      ->group(group);
  app.add_option("--dropout", arguments.dropout, "By default as the file says")
      ->check(IsDropout())
      ->group(group);
  app.add_flag("--recompute-activations", arguments.recompute_activations,
               "Compute cheap activations again in the backward pass: less memory, the same bits, "
               "a little more time; --lora does it by itself")
      ->group("Engine");
  AddListOption(app, "--dropout-at", arguments.dropout_at,
                "Insert Dropout behind nodes whose name or output's name matches PATTERN, the "
                "model's outputs excepted; with --dropout RATE. The exported model stays as it "
                "was")
      ->type_name("PATTERN")
      ->group(group);
  AddListOption(app, "--unfreeze", arguments.unfreeze,
                "Leave tensors whose names match PATTERN as they are until EPOCH begins")
      ->type_name("EPOCH:PATTERN")
      ->group(group);
}

absl::StatusOr<LossOptions> LossOptionsOf(const LossArguments& arguments) {
  STROP_RETURN_IF_ERROR(CheckSuits(arguments));
  STROP_RETURN_IF_ERROR(CheckClassWeights(arguments.class_weights));
  LossOptions options;
  STROP_ASSIGN_OR_RETURN(options.kind, LossKindOf(arguments.loss));
  options.output = arguments.output;
  options.class_axis = arguments.class_axis;
  options.class_weights = arguments.class_weights;
  options.label_smoothing = arguments.label_smoothing.value_or(options.label_smoothing);
  options.ignore_index = arguments.ignore_index.value_or(options.ignore_index);
  options.positive_weight = arguments.positive_weight.value_or(options.positive_weight);
  options.delta = arguments.huber_delta.value_or(options.delta);
  return options;
}

absl::Status ApplyModes(const ModeArguments& arguments, TrainingGraphOptions& options) {
  if (!arguments.batch_norm.empty()) {
    options.batch_norm =
        arguments.batch_norm == "train" ? BatchNormMode::kTrain : BatchNormMode::kFrozen;
  }
  options.recompute_activations = arguments.recompute_activations;
  for (const std::string& text : arguments.unfreeze) {
    STROP_ASSIGN_OR_RETURN(options.unfreezing.emplace_back(), ParseUnfreezing(text));
  }
  double rate = 0;
  if (absl::SimpleAtod(arguments.dropout, &rate)) options.dropout_rate = rate;
  options.dropout_at = arguments.dropout_at;
  if (!options.dropout_at.empty() && !options.dropout_rate) {
    return UsageError("--dropout-at needs a rate: add --dropout 0.1, say");
  }
  if (arguments.dropout.empty()) return absl::OkStatus();
  options.dropout = arguments.dropout == "off" ? DropoutMode::kOff : DropoutMode::kOn;
  return absl::OkStatus();
}

}  // namespace strop
