#pragma once

#include <CLI/App.hpp>

#include "plugin/data/images/augmentation.h"
#include "plugin/training/optimization/batch_mixer.h"

namespace strop {

// Adds torchvision's random transforms, written straight into `augmentation`.
void AddAugmentationOptions(CLI::App& app, AugmentationOptions& augmentation);
// Adds --mixup and --cutmix.
void AddMixOptions(CLI::App& app, MixOptions& mix);

}  // namespace strop
