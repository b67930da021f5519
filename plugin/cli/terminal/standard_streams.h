#pragma once

#include "absl/status/status.h"

namespace strop {

// Before anything is opened: a standard stream that is closed stays one to which nothing can be
// written, instead of becoming the next file that is opened; a reader that goes away ends no run.
void PrepareStandardStreams();

// DataLoss when not everything that was printed on stdout was taken.
absl::Status FlushStandardOutput();

}  // namespace strop
