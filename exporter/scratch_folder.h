#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace strop {

// Where temporary files go: TMPDIR, or the system's folder. PermissionDenied when it is missing or
// may not be written to.
absl::StatusOr<std::string> ScratchFolder();

}  // namespace strop
