#pragma once

#include <string>

#include "absl/status/status.h"

namespace strop {

// What the program answers its caller with, after sysexits.h.
enum ExitCode {
  kExitDone = 0,
  kExitBug = 1,
  kExitUsage = 2,
  kExitBadData = 65,
  kExitNoInput = 66,
  kExitCannotCreate = 73,
  kExitInputOutput = 74,
};

// A wrong combination of options, found after they were parsed.
absl::Status UsageError(const std::string& message);

// An operation that its caller ended before its time. `when` goes on with what was reached and kept.
absl::Status Stopped(const std::string& when);
// Such a status where a signal was why, with an exit code of 128 + signal; others as they are.
absl::Status BySignal(int signal, const absl::Status& status);

// The one place where errors become exit codes.
int ExitCodeOf(const absl::Status& status);

// The error as one line without its end: "strop train: import: …".
std::string ErrorLine(const std::string& command, const absl::Status& status);

}  // namespace strop
