#include "plugin/options/network_arguments.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

constexpr int64_t kLargest = 1 << 24;  // of any number of units, channels, rows
constexpr NumberRange kSizes = {.least = 1, .most = kLargest};
constexpr int kOldestOpset = 13;
constexpr int kNewestOpset = 24;
constexpr char kSizeGroup[] = "Size, where the architecture has it";
constexpr char kWeightGroup[] = "Weights";

Option Size(const std::string& name, std::optional<int64_t>& size, const std::string& help) {
  return {.name = name, .target = &size, .range = kSizes, .help = help};
}

absl::StatusOr<std::vector<int64_t>> SampleShape(const std::string& text) {
  std::vector<int64_t> shape;
  if (text.empty()) return shape;
  for (const absl::string_view part : absl::StrSplit(text, 'x')) {
    int64_t dimension = 0;
    if (!absl::SimpleAtoi(part, &dimension) || dimension < 1 || dimension > kLargest) {
      return UsageError(absl::StrCat("--input ", text,
                                     ": expected the dimensions of one sample, for example 3x32x32 "
                                     "or 64"));
    }
    shape.push_back(dimension);
  }
  return shape;
}

// Options that are not of every architecture and that were typed.
absl::Status CheckTyped(const OptionSet& options, const Architecture& architecture) {
  for (const Option& option : options.options()) {
    if (option.group != kSizeGroup || !option.is_given()) continue;
    const std::vector<std::string>& own = architecture.options;
    if (std::find(own.begin(), own.end(), option.name) != own.end()) continue;
    return UsageError(absl::StrCat(architecture.name, " has no --", option.name, "; it has --",
                                   absl::StrJoin(own, ", --")));
  }
  return absl::OkStatus();
}

}  // namespace

void AddNetworkOptions(OptionSet& options, NetworkArguments& arguments) {
  NetworkOptions& network = arguments.network;
  options.Add(
      kSizeGroup,
      {{.name = "input",
        .target = &arguments.input,
        .value_name = "CxHxW",
        .help = "One sample: 3x32x32, or 64 features"},
       Size("classes", network.classes, "Outputs"),
       Size("depth", network.depth, "Layers: hidden, of attention, or the paper's count"),
       {.name = "width",
        .target = &network.width,
        .range = kSizes,
        .help = "Units or channels; mlp, autoencoder: several"},
       {.name = "width-multiplier",
        .target = &network.width_multiplier,
        .range = {.least = 0.01, .most = 100},
        .help = "Of all channels; MobileNets"},
       Size("growth-rate", network.growth_rate, "Channels that a dense layer adds"),
       Size("vocabulary", network.vocabulary, "Tokens that there are"),
       Size("positions", network.positions, "Longest sequence"),
       Size("heads", network.heads, "Of attention"),
       Size("hidden", network.hidden, "Units between the two layers of a transformer's MLP"),
       Size("patch", network.patch, "Side of a square patch"),
       {.name = "activation",
        .target = &arguments.activation,
        .choices = ActivationNames(),
        .help = "torch.nn's meaning of each"},
       {.name = "batch-norm",
        .target = &network.batch_norm,
        .help = "Normalize behind every weight"},
       {.name = "residual",
        .target = &network.residual,
        .help = "Add each layer's input where widths are equal"},
       {.name = "dropout",
        .target = &network.dropout,
        .range = {.least = 0, .most = 0.99},
        .help = "Rate; `strop train --dropout on` wakes it"},
       {.name = "stem",
        .target = &arguments.stem,
        .choices = {"imagenet", "cifar"},
        .help = "imagenet: 7x7 and pooling; cifar: 3x3; by default by the image's size"},
       {.name = "bidirectional",
        .target = &network.bidirectional,
        .help = "Read sequences both ways"}});
  options.Add(
      kWeightGroup,
      {{.name = "initialization",
        .target = &arguments.initialization,
        .choices = InitializationNames(),
        .help = "torch.nn.init's meaning of each; by default the paper's"},
       {.name = "gain",
        .target = &arguments.gain,
        .range = kAboveZero,
        .help = "Of the initialization; by default he and orthogonal take the activation's"},
       {.name = "fan-mode",
        .target = &arguments.fan_mode,
        .choices = {"fan_in", "fan_out"},
        .has_default = true,
        .help = "he, of convolutions"},
       {.name = "seed",
        .target = &network.seed,
        .has_default = true,
        .help = "The same seed gives the same bytes"}});
  options.Add({{.name = "opset",
                .target = &network.opset,
                .range = {.least = kOldestOpset, .most = kNewestOpset},
                .has_default = true,
                .help = "Of the ONNX file"}});
}

absl::StatusOr<NetworkOptions> NetworkOptionsOf(const OptionSet& given,
                                                const Architecture& architecture,
                                                const NetworkArguments& arguments) {
  STROP_RETURN_IF_ERROR(CheckTyped(given, architecture));
  NetworkOptions options = arguments.network;
  STROP_ASSIGN_OR_RETURN(options.input, SampleShape(arguments.input));
  if (!arguments.activation.empty()) {
    STROP_ASSIGN_OR_RETURN(options.activation, ActivationOf(arguments.activation));
  }
  if (!arguments.stem.empty()) options.has_small_stem = arguments.stem == "cifar";
  const bool has_parts = arguments.gain.has_value() || given.IsGiven("fan-mode");
  if (arguments.initialization.empty()) {
    if (has_parts) return UsageError("--gain and --fan-mode need --initialization");
    return options;
  }
  InitializationOptions initialization;
  STROP_ASSIGN_OR_RETURN(initialization.kind, InitializationOf(arguments.initialization));
  initialization.gain = arguments.gain;
  initialization.uses_fan_out = arguments.fan_mode == "fan_out";
  options.initialization = initialization;
  return options;
}

}  // namespace strop
