#pragma once

#include <cstdint>
#include <string>

#include "models/builder/layers.h"

namespace strop {

// The input "image" [N, channels, height, width]; `own` is the architecture's, for --input.
NetworkValue ImageInput(NetworkBuilder& builder, const Shape& own);

// One dimension: --width, or `own` when nothing was typed. Fails when several were.
int64_t SingleWidth(NetworkBuilder& builder, int64_t own);

// A Linear called `name` to the output "logits" [N, classes].
void ClassLogits(NetworkBuilder& builder, const std::string& name, const NetworkValue& features,
                 int64_t own_classes);

// The nearest multiple of `divisor` that is at least `divisor` and no more than a tenth below
// `channels` (the MobileNets' rounding).
int64_t RoundedChannels(double channels, int64_t divisor = 8);

// Whether the stem is the one for small images: as typed, else for images up to 64 pixels.
bool HasSmallStem(const NetworkBuilder& builder, const NetworkValue& image);

}  // namespace strop
