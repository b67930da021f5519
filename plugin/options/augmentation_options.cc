#include "plugin/options/augmentation_options.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace strop {
namespace {

// "0.4,0.4,0.4,0.1"; nothing when a piece is no number.
std::optional<std::vector<double>> Numbers(const std::string& text) {
  std::vector<double> numbers;
  for (const absl::string_view piece : absl::StrSplit(text, ',')) {
    double number = 0;
    if (!absl::SimpleAtod(piece, &number)) return std::nullopt;
    numbers.push_back(number);
  }
  return numbers;
}

// MIN,MAX of RandomResizedCrop.
std::optional<AugmentationOptions::Range> CropScale(const std::string& text) {
  const std::optional<std::vector<double>> scale = Numbers(text);
  if (!scale || scale->size() != 2) return std::nullopt;
  const AugmentationOptions::Range range = {(*scale)[0], (*scale)[1]};
  const bool is_range = range.low > 0 && range.low <= range.high && range.high <= 1;
  return is_range ? std::optional(range) : std::nullopt;
}

// B,C,S,H of ColorJitter.
std::optional<std::vector<double>> JitterAmounts(const std::string& text) {
  std::optional<std::vector<double>> amounts = Numbers(text);
  if (!amounts || amounts->size() != 4) return std::nullopt;
  for (const double amount : *amounts) {
    if (!(amount >= 0 && amount < 1e6)) return std::nullopt;
  }
  return amounts->back() <= 0.5 ? amounts : std::nullopt;
}

std::string Expected(const std::string& text, const std::string& what) {
  return absl::StrCat("found \"", text, "\", expected ", what);
}

std::string CropProblem(const std::string& text) {
  return CropScale(text) ? "" : Expected(text, "MIN,MAX");
}

std::string JitterProblem(const std::string& text) {
  return JitterAmounts(text) ? "" : Expected(text, "B,C,S,H");
}

constexpr char kGroup[] = "Augmentation of the training images, as torchvision means it";

}  // namespace

void AddAugmentationOptions(OptionSet& options, AugmentationArguments& arguments) {
  AugmentationOptions& random = arguments.random;
  const auto probability = [](const std::string& name, double& target, const std::string& help) {
    return Option{
        .name = name, .target = &target, .value_name = "P", .range = kShare, .help = help};
  };
  options.Add(
      kGroup,
      {probability("random-horizontal-flip", random.horizontal_flip,
                   "Swap left and right with probability P"),
       probability("random-vertical-flip", random.vertical_flip,
                   "Swap top and bottom with probability P"),
       {.name = "random-crop",
        .target = &random.crop_padding,
        .value_name = "PAD",
        .unit = "pixels",
        .range = {.least = 1, .most = 4096},
        .help = "Pad with PAD zeros on all sides and take a window of the image's size"},
       {.name = "random-resized-crop",
        .target = &arguments.resized_crop,
        .value_name = "MIN,MAX",
        .problem = CropProblem,
        .help = "Stretch a box of that share of the area, as 0.08,1, over the image"},
       {.name = "random-rotation",
        .target = &random.rotation,
        .unit = "degrees",
        .range = {.least = 0, .most = 180},
        .help = "Turn by up to DEGREES to either side"},
       {.name = "color-jitter",
        .target = &arguments.color_jitter,
        .value_name = "B,C,S,H",
        .problem = JitterProblem,
        .help = "Change brightness, contrast, saturation (factors from 1 - x to 1 + x) and hue "
                "(part of the circle, at most 0.5), as 0.4,0.4,0.4,0.1"},
       probability("random-erasing", random.erasing,
                   "Make a box of 2 to 33 % of the image 0 with probability P")});
}

AugmentationOptions AugmentationOptionsOf(const AugmentationArguments& arguments) {
  AugmentationOptions options = arguments.random;
  options.resized_crop = CropScale(arguments.resized_crop);
  if (const auto amounts = JitterAmounts(arguments.color_jitter)) {
    options.brightness = (*amounts)[0];
    options.contrast = (*amounts)[1];
    options.saturation = (*amounts)[2];
    options.hue = (*amounts)[3];
  }
  return options;
}

void AddMixOptions(OptionSet& options, MixOptions& mix) {
  const auto alpha = [](const std::string& name, double& target, const std::string& help) {
    return Option{
        .name = name, .target = &target, .value_name = "ALPHA", .range = kAboveZero, .help = help};
  };
  options.Add(kGroup,
              {alpha("mixup", mix.mixup_alpha,
                     "Mix each sample and its label with another's, the share of Beta(ALPHA, "
                     "ALPHA)"),
               alpha("cutmix", mix.cutmix_alpha,
                     "Paste a box of another sample; with --mixup one of the two for each batch")});
}

}  // namespace strop
