#pragma once

#include <string>
#include <vector>

#include "plugin/options/table/option_set.h"

namespace strop {

// A command and its options.
struct CommandOptions {
  std::string command;
  std::string help;
  const OptionSet* options = nullptr;
};

// Every option of every command as JSON, for programs: what it is called, what it takes, with what
// it has a meaning, whether it is needed, and what the command does with the path that it names.
std::string OptionListJson(const std::vector<CommandOptions>& commands);

// The same as a page of Markdown, docs/options.md. What a command shares with the first is named
// there and explained once.
std::string OptionPage(const std::vector<CommandOptions>& commands);

}  // namespace strop
