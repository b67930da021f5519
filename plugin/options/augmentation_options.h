#pragma once

#include "plugin/data/images/augmentation.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/optimization/batch_mixer.h"

namespace strop {

// torchvision's random transforms as typed.
struct AugmentationArguments {
  AugmentationOptions random;  // but for these:
  std::string resized_crop;    // MIN,MAX
  std::string color_jitter;    // brightness,contrast,saturation,hue
};

void AddAugmentationOptions(OptionSet& options, AugmentationArguments& arguments);
AugmentationOptions AugmentationOptionsOf(const AugmentationArguments& arguments);

// Adds --mixup and --cutmix.
void AddMixOptions(OptionSet& options, MixOptions& mix);

}  // namespace strop
