#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "strop/strop.h"

namespace strop {

// Runs what one function of the C interface does and keeps everything on this side of its border:
// an error becomes a status and the line of strop_error_message. Memory that runs out is
// STROP_INPUT_OUTPUT, any other exception STROP_BUG.
strop_status Call(absl::FunctionRef<absl::Status()> work) noexcept;

// UsageError for a pointer that is null, by the name that its parameter has.
absl::Status CheckGiven(
    std::initializer_list<std::pair<const void*, const char*>> pointers_and_names);

}  // namespace strop
