#include "plugin/options/augmentation_options.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "plugin/options/parser/whole_number.h"

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

// An option of `count` numbers that `accept` takes, or refuses by returning false.
template <typename Accept>
CLI::Option* AddNumbers(CLI::App& app, const std::string& name, const std::string& type,
                        const std::string& description, size_t count, const Accept& accept) {
  const auto take = [=](const std::string& text) {
    const std::optional<std::vector<double>> numbers = Numbers(text);
    if (numbers && numbers->size() == count && accept(*numbers)) return;
    throw CLI::ValidationError(name, absl::StrCat("found \"", text, "\", expected ", type));
  };
  return app.add_option_function<std::string>(name, take, description)->type_name(type);
}

constexpr char kGroup[] = "Augmentation of the training images, as torchvision means it";

}  // namespace

void AddAugmentationOptions(CLI::App& app, AugmentationOptions& augmentation) {
  const auto add_probability = [&](const std::string& name, double& probability,
                                   const std::string& description) {
    app.add_option(name, probability, description)
        ->type_name("P")
        ->check(CLI::Range(0.0, 1.0))
        ->group(kGroup);
  };
  add_probability("--random-horizontal-flip", augmentation.horizontal_flip,
                  "Swap left and right with probability P");
  add_probability("--random-vertical-flip", augmentation.vertical_flip,
                  "Swap top and bottom with probability P");
  app.add_option("--random-crop", augmentation.crop_padding,
                 "Pad with PAD zeros on all sides and take a window of the image's size")
      ->type_name("PAD")
      ->transform(WholeNumber(/*has_sign=*/true))
      ->check(CLI::Range(1, 4096))
      ->group(kGroup);
  AddNumbers(app, "--random-resized-crop", "MIN,MAX",
             "Stretch a box of that share of the area, as 0.08,1, over the image", 2,
             [&augmentation](const std::vector<double>& scale) {
               augmentation.resized_crop = {scale[0], scale[1]};
               return scale[0] > 0 && scale[0] <= scale[1] && scale[1] <= 1;
             })
      ->group(kGroup);
  app.add_option("--random-rotation", augmentation.rotation, "Turn by up to DEGREES to either side")
      ->type_name("DEGREES")
      ->check(CLI::Range(0.0, 180.0))
      ->group(kGroup);
  AddNumbers(app, "--color-jitter", "B,C,S,H",
             "Change brightness, contrast, saturation (factors from 1 - x to 1 + x) and hue (part "
             "of the circle, at most 0.5), as 0.4,0.4,0.4,0.1",
             4,
             [&augmentation](const std::vector<double>& amounts) {
               augmentation.brightness = amounts[0];
               augmentation.contrast = amounts[1];
               augmentation.saturation = amounts[2];
               augmentation.hue = amounts[3];
               for (const double amount : amounts) {
                 if (!(amount >= 0 && amount < 1e6)) return false;
               }
               return amounts[3] <= 0.5;
             })
      ->group(kGroup);
  add_probability("--random-erasing", augmentation.erasing,
                  "Make a box of 2 to 33 % of the image 0 with probability P");
}

void AddMixOptions(CLI::App& app, MixOptions& mix) {
  const auto add = [&](const std::string& name, double& alpha, const std::string& description) {
    app.add_option(name, alpha, description)
        ->type_name("ALPHA")
        ->check(CLI::PositiveNumber)
        ->group(kGroup);
  };
  add("--mixup", mix.mixup_alpha,
      "Mix each sample and its label with another's, the share of Beta(ALPHA, ALPHA)");
  add("--cutmix", mix.cutmix_alpha,
      "Paste a box of another sample; with --mixup one of the two for each batch");
}

}  // namespace strop
