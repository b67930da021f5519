#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/table/option_set.h"

namespace strop {

// Options by name, without dashes, and the texts that each is given, as a program names them. Without
// a text: a switch that is on, or what the option means alone.
using OptionTexts = std::vector<std::pair<std::string, std::vector<std::string>>>;

// Gives them to the set, as a command line that says the same would, with what a file that option
// `config` names says behind them. UsageError for a name that is none of the set's, with one that is
// like it, for texts that an option does not take, and for options that do not go together.
absl::Status GiveTexts(const OptionTexts& texts, OptionSet& options);

}  // namespace strop
