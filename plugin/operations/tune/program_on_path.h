#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace strop {

// The path of a program that a shell would start by that name. NotFound where PATH has none.
absl::StatusOr<std::string> ProgramOnPath(const std::string& name);

}  // namespace strop
