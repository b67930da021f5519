#include "plugin/c/status.h"

#include <exception>
#include <new>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "importer/mapped_file.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

static_assert(STROP_OK == static_cast<int>(kExitDone) && STROP_BUG == static_cast<int>(kExitBug));
static_assert(STROP_USAGE == static_cast<int>(kExitUsage));
static_assert(STROP_BAD_DATA == static_cast<int>(kExitBadData));
static_assert(STROP_NO_INPUT == static_cast<int>(kExitNoInput));
static_assert(STROP_CANNOT_CREATE == static_cast<int>(kExitCannotCreate));
static_assert(STROP_INPUT_OUTPUT == static_cast<int>(kExitInputOutput));

constexpr char kNoMemory[] =
    "out of memory; a smaller --batch-size, or --recompute-activations, takes less";

// The words that were kept, and the ones that are shown: those, or words that need no memory.
thread_local std::string kept_message;
thread_local const char* shown_message = "";

void KeepMessage(const absl::Status& status) {
  constexpr std::string_view kPrefix = "strop: ";
  kept_message = ErrorLine("", status).substr(kPrefix.size());
  shown_message = kept_message.c_str();
}

absl::Status Caught(absl::FunctionRef<absl::Status()> work) {
  try {
    const absl::Status status = work();
    // What a mapped file has lost reads as zeros, which nothing may count on.
    return status.ok() ? CheckMappedFiles() : status;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& exception) {
    return absl::InternalError(absl::StrCat("internal: ", exception.what()));
  } catch (...) {
    return absl::InternalError("internal: an exception that is none of the standard library's");
  }
}

}  // namespace

strop_status Call(absl::FunctionRef<absl::Status()> work) noexcept {
  try {
    const absl::Status status = Caught(work);
    if (status.ok()) return STROP_OK;
    KeepMessage(status);
    if (status.code() == absl::StatusCode::kCancelled) return STROP_STOPPED;
    return static_cast<strop_status>(ExitCodeOf(status));
  } catch (...) {  // std::bad_alloc, here or on the way to the words
    shown_message = kNoMemory;
    return STROP_INPUT_OUTPUT;
  }
}

absl::Status CheckGiven(
    std::initializer_list<std::pair<const void*, const char*>> pointers_and_names) {
  for (const auto& [pointer, name] : pointers_and_names) {
    if (pointer != nullptr) continue;
    return UsageError(absl::StrCat("call: found NULL as \"", name, "\", expected a pointer"));
  }
  return absl::OkStatus();
}

}  // namespace strop

extern "C" const char* strop_error_message(void) { return strop::shown_message; }

extern "C" const char* strop_version(void) { return STROP_VERSION; }
