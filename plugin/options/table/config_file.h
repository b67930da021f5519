#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/table/option_set.h"

namespace strop {

// Gives `options` what a TOML file says, whose keys are the names of options without their dashes,
// and of positional arguments in lower case. What was given before wins. UsageError with file and
// line for a key that is none, and for a value that its option does not take.
absl::Status ReadConfig(const std::string& path, OptionSet& options);

// Reads the file that --config names, where there is such an option and it was given.
absl::Status ReadGivenConfig(OptionSet& options);

// An option and its values: as given or configured, else its default.
struct ResolvedOption {
  const Option* option = nullptr;  // of the set
  std::string name;                // as in a file
  std::vector<std::string> values;
};

// Every option that has a value, numbers in their shortest form, so that equal ones are equal
// texts. Options of the moment are left out.
std::vector<ResolvedOption> ResolvedOptions(const OptionSet& options);

// The options as a file that ReadConfig reads.
std::string ConfigText(const std::vector<ResolvedOption>& options);

// False for a file that ConfigText did not make.
bool IsConfigText(const std::string& path);

}  // namespace strop
