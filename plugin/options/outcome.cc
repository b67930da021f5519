#include "plugin/options/outcome.h"

#include <charconv>
#include <csignal>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace strop {
namespace {

constexpr char kSignalPayload[] = "strop/signal";
constexpr char kStoppedPayload[] = "strop/stopped";
constexpr char kUsagePayload[] = "strop/usage";

}  // namespace

absl::Status UsageError(const std::string& message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

absl::Status Stopped(const std::string& when) {
  absl::Status status = absl::CancelledError(absl::StrCat("stopped ", when));
  status.SetPayload(kStoppedPayload, absl::Cord(when));
  return status;
}

absl::Status BySignal(int signal, const absl::Status& status) {
  const absl::optional<absl::Cord> when = status.GetPayload(kStoppedPayload);
  if (!when) return status;
  absl::Status by_signal = absl::CancelledError(
      absl::StrCat("stopped by ", signal == SIGTERM ? "a termination signal " : "an interrupt ",
                   std::string(*when)));
  by_signal.SetPayload(kSignalPayload, absl::Cord(std::to_string(signal)));
  return by_signal;
}

int ExitCodeOf(const absl::Status& status) {
  if (status.GetPayload(kUsagePayload)) return kExitUsage;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return kExitBadData;
    case absl::StatusCode::kNotFound:
      return kExitNoInput;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kAlreadyExists:
      return kExitCannotCreate;
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kResourceExhausted:
      return kExitInputOutput;
    case absl::StatusCode::kCancelled: {
      const absl::optional<absl::Cord> payload = status.GetPayload(kSignalPayload);
      return 128 + (payload && std::string(*payload) == std::to_string(SIGTERM) ? SIGTERM : SIGINT);
    }
    default:
      return kExitBug;
  }
}

std::string ErrorLine(const std::string& command, const absl::Status& status) {
  const std::string message =
      absl::StrReplaceAll(std::string(status.message()), {{"\r", ""}, {"\n", " "}});
  return absl::StrCat("strop", command.empty() ? "" : " ", command, ": ", message);
}

}  // namespace strop
