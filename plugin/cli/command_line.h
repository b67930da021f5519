#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/cli/command.h"

namespace strop {

struct ParsedCommandLine {
  // The command that the words name; null where they name none.
  const Command* command = nullptr;
  // What was asked for is printed: help, the version.
  bool is_answered = false;
  // UsageError with whom to ask for help.
  absl::Status status;
};

// Finds the command that the words name and gives its options what they say, a file of options
// behind it.
ParsedCommandLine ParseCommandLine(const std::vector<Command>& commands,
                                   const std::vector<std::string>& words);

}  // namespace strop
