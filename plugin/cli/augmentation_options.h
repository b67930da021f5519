#pragma once

#include <CLI/App.hpp>

#include "plugin/data/augmentation.h"

namespace strop {

// Adds torchvision's random transforms, written straight into `augmentation`.
void AddAugmentationOptions(CLI::App& app, AugmentationOptions& augmentation);

}  // namespace strop
