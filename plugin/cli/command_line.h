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

// Gives one command's options what words behind its name say. UsageError for words that it does
// not know or take, and for options that do not go together. Which of them suit the values of others
// is not looked at.
absl::Status ParseOptions(const Command& command, const std::vector<std::string>& words);

}  // namespace strop
