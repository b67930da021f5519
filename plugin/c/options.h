#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "plugin/options/table/option_set.h"
#include "strop/strop.h"

namespace strop {

// Gives the options of a list to a set, as a command line that says the same would, with what a
// file that option `config` names says behind them. UsageError for one that the set does not have,
// with the name that is like it, and for values that it does not take. Which options go together is
// not looked at.
absl::Status GiveOptions(const strop_option* options, size_t count, OptionSet& set);

}  // namespace strop
