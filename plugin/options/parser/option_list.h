#pragma once

#include <string>
#include <vector>

#include "plugin/cli/command.h"

namespace strop {

// Every option of every command as JSON, for programs: what it is called, whether it is needed, and
// what the command does with the path that it names.
std::string OptionListJson(const std::vector<Command>& commands);

}  // namespace strop
