#pragma once

#include "plugin/options/table/option_set.h"
#include "plugin/training/optimization/sharpness.h"

namespace strop {

void AddSharpnessOptions(OptionSet& options, SharpnessOptions& sharpness);

}  // namespace strop
