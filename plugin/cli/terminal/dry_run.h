#pragma once

#include "plugin/operations/train/dry_run.h"

namespace strop {

// Prints to stdout what a run would do.
void PrintDryRun(const DryRun& dry, bool as_json);

}  // namespace strop
