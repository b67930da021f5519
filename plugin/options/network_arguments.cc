#include "plugin/options/network_arguments.h"

#include <CLI/Validators.hpp>
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
constexpr int kOldestOpset = 13;
constexpr int kNewestOpset = 24;
constexpr char kSizeGroup[] = "Size, where the architecture has it";
constexpr char kWeightGroup[] = "Weights";

CLI::Option* AddSize(CLI::App& app, const std::string& name, std::optional<int64_t>& size,
                     const std::string& description) {
  return app.add_option(name, size, description)
      ->check(CLI::Range(int64_t{1}, kLargest))
      ->group(kSizeGroup);
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
absl::Status CheckTyped(const CLI::App& app, const Architecture& architecture) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group() != kSizeGroup || option->count() == 0) continue;
    const std::string name = option->get_lnames()[0];
    const std::vector<std::string>& own = architecture.options;
    if (std::find(own.begin(), own.end(), name) != own.end()) continue;
    return UsageError(absl::StrCat(architecture.name, " has no --", name, "; it has --",
                                   absl::StrJoin(own, ", --")));
  }
  return absl::OkStatus();
}

}  // namespace

void AddNetworkOptions(CLI::App& app, NetworkArguments& arguments) {
  NetworkOptions& network = arguments.network;
  app.add_option("--input", arguments.input, "One sample: 3x32x32, or 64 features")
      ->type_name("CxHxW")
      ->group(kSizeGroup);
  AddSize(app, "--classes", network.classes, "Outputs");
  AddSize(app, "--depth", network.depth, "Layers: hidden, of attention, or the paper's count");
  AddListOption(app, "--width", network.width, "Units or channels; mlp, autoencoder: several")
      ->check(CLI::Range(int64_t{1}, kLargest))
      ->group(kSizeGroup);
  app.add_option("--width-multiplier", network.width_multiplier, "Of all channels; MobileNets")
      ->check(CLI::Range(0.01, 100.0))
      ->group(kSizeGroup);
  AddSize(app, "--growth-rate", network.growth_rate, "Channels that a dense layer adds");
  AddSize(app, "--vocabulary", network.vocabulary, "Tokens that there are");
  AddSize(app, "--positions", network.positions, "Longest sequence");
  AddSize(app, "--heads", network.heads, "Of attention");
  AddSize(app, "--hidden", network.hidden, "Units between the two layers of a transformer's MLP");
  AddSize(app, "--patch", network.patch, "Side of a square patch");
  app.add_option("--activation", arguments.activation, "torch.nn's meaning of each")
      ->check(OneOf(ActivationNames()))
      ->group(kSizeGroup);
  app.add_flag("--batch-norm", network.batch_norm, "Normalize behind every weight")
      ->group(kSizeGroup);
  app.add_flag("--residual", network.residual, "Add each layer's input where widths are equal")
      ->group(kSizeGroup);
  app.add_option("--dropout", network.dropout, "Rate; `strop train --dropout on` wakes it")
      ->check(CLI::Range(0.0, 0.99))
      ->group(kSizeGroup);
  app.add_option("--stem", arguments.stem,
                 "imagenet: 7x7 and pooling; cifar: 3x3; by default by the image's size")
      ->check(OneOf({"imagenet", "cifar"}))
      ->group(kSizeGroup);
  app.add_flag("--bidirectional", network.bidirectional, "Read sequences both ways")
      ->group(kSizeGroup);
  app.add_option("--initialization", arguments.initialization,
                 "torch.nn.init's meaning of each; by default the paper's")
      ->check(OneOf(InitializationNames()))
      ->group(kWeightGroup);
  app.add_option("--gain", arguments.gain,
                 "Of the initialization; by default he and orthogonal take the activation's")
      ->check(CLI::PositiveNumber)
      ->group(kWeightGroup);
  app.add_option("--fan-mode", arguments.fan_mode, "he, of convolutions")
      ->check(OneOf({"fan_in", "fan_out"}))
      ->capture_default_str()
      ->group(kWeightGroup);
  app.add_option("--seed", network.seed, "The same seed gives the same bytes")
      ->capture_default_str()
      ->group(kWeightGroup);
  app.add_option("--opset", network.opset, "Of the ONNX file")
      ->check(CLI::Range(kOldestOpset, kNewestOpset))
      ->capture_default_str();
}

absl::StatusOr<NetworkOptions> NetworkOptionsOf(const CLI::App& app,
                                                const Architecture& architecture,
                                                const NetworkArguments& arguments) {
  STROP_RETURN_IF_ERROR(CheckTyped(app, architecture));
  NetworkOptions options = arguments.network;
  STROP_ASSIGN_OR_RETURN(options.input, SampleShape(arguments.input));
  if (!arguments.activation.empty()) {
    STROP_ASSIGN_OR_RETURN(options.activation, ActivationOf(arguments.activation));
  }
  if (!arguments.stem.empty()) options.has_small_stem = arguments.stem == "cifar";
  const bool has_parts = arguments.gain.has_value() || app.count("--fan-mode") > 0;
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
