#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/table/option_set.h"

namespace strop {

// Options by name, without dashes, and the texts that each is given, as a program names them.
using OptionTexts = std::vector<std::pair<std::string, std::vector<std::string>>>;

// Gives them to the set. UsageError for a name that is none of the set's, with one that is like it,
// for texts that an option does not take, and for options that do not go together.
absl::Status GiveTexts(const OptionTexts& texts, OptionSet& options);

}  // namespace strop
