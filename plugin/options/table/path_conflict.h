#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "plugin/options/table/option_set.h"

namespace strop {

// A path that a command reads or writes, and the option that named it.
struct CommandPath {
  std::string option;
  std::string path;
  PathRole role;
};

// The paths that were given.
std::vector<CommandPath> GivenPaths(const OptionSet& options);

// Adds the paths that no option names, as a file beside the output, or changes those that one names.
using PathCompletion = std::function<void(std::vector<CommandPath>&)>;

// CheckPaths of the paths that were given, with those that `complete` adds, which may be null.
absl::Status CheckGivenPaths(const OptionSet& options, const PathCompletion& complete);

// Refuses, before any work, what would let one path be two things: an output that is an input,
// another output, or a file that a folder among them holds, by whatever names and links; then an
// output that cannot be created. AlreadyExists, PermissionDenied; UsageError for an output "-".
absl::Status CheckPaths(const std::vector<CommandPath>& paths);

}  // namespace strop
