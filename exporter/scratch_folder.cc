#include "exporter/scratch_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace strop {

absl::StatusOr<std::string> ScratchFolder() {
  namespace fs = std::filesystem;
  const char* typed = std::getenv("TMPDIR");
  std::error_code ignored;
  const std::string folder =
      typed != nullptr && *typed != '\0' ? typed : fs::temp_directory_path(ignored).string();
  errno = 0;
  if (access(folder.c_str(), W_OK | X_OK) == 0 && fs::is_directory(folder, ignored)) return folder;
  return absl::PermissionDeniedError(absl::StrCat(
      "the folder for temporary files, \"", folder, "\", cannot be used: ",
      std::strerror(errno == 0 ? ENOTDIR : errno), "; set TMPDIR to a folder where you may write"));
}

}  // namespace strop
