#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/parser/path_option.h"

namespace strop {

// A path that a command reads or writes, and the option that named it.
struct CommandPath {
  std::string option;
  std::string path;
  PathRole role;
};

// The paths that the options of a parsed command name.
std::vector<CommandPath> TypedPaths(CLI::App& app);

// Refuses, before any work, what would let one path be two things: an output that is an input,
// another output, or a file that a folder among them holds, by whatever names and links; then an
// output that cannot be created. AlreadyExists, PermissionDenied.
absl::Status CheckPaths(const std::vector<CommandPath>& paths);

}  // namespace strop
