#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace strop {

// Nodes by the operators that Strop lacks.
using MissingOperators = std::map<std::string, std::vector<std::string>>;

// Unimplemented, in one line; it carries the whole list.
absl::Status MissingOperatorsError(const MissingOperators& missing);

// What the error of an import carries; empty for other errors.
MissingOperators MissingOperatorsOf(const absl::Status& status);

}  // namespace strop
