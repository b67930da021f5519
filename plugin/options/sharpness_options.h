#pragma once


#include "plugin/training/optimization/sharpness.h"
#include "plugin/options/table/option_set.h"

namespace strop {

void AddSharpnessOptions(OptionSet& options, SharpnessOptions& sharpness);

}  // namespace strop
