#include "plugin/options/loss_options.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

std::string DropoutProblem(const std::string& text) {
  double rate = 0;
  const bool is_rate = absl::SimpleAtod(text, &rate) && rate >= 0 && rate < 1;
  if (text == "on" || text == "off" || is_rate) return "";
  return absl::StrCat("found \"", text, "\", expected on, off or a rate from 0 to below 1");
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

// Each is from 0 on, as its row says.
absl::Status CheckClassWeights(const std::vector<double>& weights) {
  const bool has_weight =
      std::any_of(weights.begin(), weights.end(), [](double weight) { return weight > 0; });
  if (weights.empty() || has_weight) return absl::OkStatus();
  return UsageError("--class-weights: found nothing but zeros, expected one above 0");
}

// Those of kLosses that have an option.
OptionSuits LossesWith(std::string_view option) {
  OptionSuits suits = {"loss", {}};
  for (const LossRow& loss : kLosses) {
    if (loss.has(option)) suits.values.emplace_back(loss.name);
  }
  return suits;
}

}  // namespace

void AddLossOptions(OptionSet& options, LossArguments& arguments) {
  options.Add("Loss", {{.name = "loss",
                        .target = &arguments.loss,
                        .choices = LossNames(),
                        .has_default = true,
                        .is_common = true,
                        .comparison = Comparison::kAlways,
                        .help = "What is minimized; PyTorch's meaning of each"},
                       {.name = "train-output",
                        .target = &arguments.output,
                        .value_name = "NAME",
                        .help = "The model output that the loss sees; by default the first"},
                       {.name = "class-axis",
                        .target = &arguments.class_axis,
                        .suits = LossesWith("class_axis"),
                        .help = "axis of the classes; by default found from the shapes"},
                       {.name = "class-weights",
                        .target = &arguments.class_weights,
                        .range = kFromZero,
                        .suits = LossesWith("class_weights"),
                        .help = "one per class"},
                       {.name = "label-smoothing",
                        .target = &arguments.label_smoothing,
                        .range = kShare,
                        .suits = LossesWith("label_smoothing"),
                        .help = "share of the target spread over all classes"},
                       {.name = "ignore-index",
                        .target = &arguments.ignore_index,
                        .suits = LossesWith("ignore_index"),
                        .help = "label that counts for nothing [-100]"},
                       {.name = "positive-weight",
                        .target = &arguments.positive_weight,
                        .range = kAboveZero,
                        .suits = LossesWith("positive_weight"),
                        .help = "weight of the positive targets"},
                       {.name = "huber-delta",
                        .target = &arguments.huber_delta,
                        .range = kAboveZero,
                        .suits = LossesWith("huber_delta"),
                        .help = "where the square becomes a line [1]"}});
}

void AddBatchNormOption(OptionSet& options, ModeArguments& arguments) {
  options.Add(
      "What is trained",
      {{.name = "batch-norm",
        .target = &arguments.batch_norm,
        .choices = {"train", "frozen"},
        .help = "train: use the batch's statistics and update the running ones; frozen: use the "
                "running ones; by default as the file says"}});
}

void AddModeOptions(OptionSet& options, ModeArguments& arguments) {
  AddBatchNormOption(options, arguments);
  options.Add(
      "What is trained",
      {{.name = "dropout",
        .target = &arguments.dropout,
        .value_name = "on|off|RATE",
        .problem = DropoutProblem,
        .help = "By default as the file says"},
       {.name = "dropout-at",
        .target = &arguments.dropout_at,
        .value_name = "PATTERN",
        .help = "Insert Dropout behind nodes whose name or output's name matches PATTERN, the "
                "model's outputs excepted; with --dropout RATE. The exported model stays as it "
                "was"},
       {.name = "unfreeze",
        .target = &arguments.unfreeze,
        .value_name = "EPOCH:PATTERN",
        .help = "Leave tensors whose names match PATTERN as they are until EPOCH begins"}});
  options.Add("Engine",
              {{.name = "recompute-activations",
                .target = &arguments.recompute_activations,
                .help = "Compute cheap activations again in the backward pass: less memory, the "
                        "same bits, a little more time; --lora does it by itself"}});
}

absl::StatusOr<LossOptions> LossOptionsOf(const LossArguments& arguments) {
  STROP_RETURN_IF_ERROR(CheckClassWeights(arguments.class_weights));
  LossOptions options;
  if (arguments.host != nullptr) {
    options.kind = LossKind::kHost;
    options.host = arguments.host;
  } else {
    STROP_ASSIGN_OR_RETURN(options.kind, LossKindOf(arguments.loss));
  }
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
